// SPDX-License-Identifier: Apache-2.0

/// Deviations of a request from OTLP that were accepted, for the receiver to count and to log once.
public struct OTLPNotes: Sendable, Hashable {
    /// How many JSON names were in the original snake_case instead of lowerCamelCase.
    public internal(set) var snakeCaseNames = 0
    /// How many references to a string table were ignored; only profiles have such a table.
    public internal(set) var stringIndexes = 0
    /// How many sequences in texts were not UTF-8; they are shown as U+FFFD each.
    public internal(set) var invalidSequences = 0

    /// Whether there are no deviations.
    public var isEmpty: Bool { self == OTLPNotes() }

    /// Creates empty notes.
    public init() {}

    /// Checks a text of the request.
    @inline(__always)
    mutating func inspect(_ bytes: RawSpan, _ range: Range<Int>) {
        if !bytes.isASCII(range) { inspectUnicode(bytes.extracting(range)) }
    }

    @inline(never)
    private mutating func inspectUnicode(_ text: RawSpan) {
        if !text.isValidUTF8 { invalidSequences += text.invalidSequences }
    }
}

extension RawSpan {
    /// Whether no byte of a range has its highest bit set; the range must be inside the bytes.
    @inline(__always)
    func isASCII(_ range: Range<Int>) -> Bool {
        var bits: UInt64 = 0
        var position = range.lowerBound
        while position &+ 8 <= range.upperBound {
            bits |= word(position)
            position &+= 8
        }
        let left = range.upperBound &- position
        if left > 0, position &+ 8 <= byteCount {
            bits |= word(position) << UInt64(64 &- 8 &* left)
        } else {
            while position < range.upperBound {
                bits |= UInt64(byte(position)) << 56
                position &+= 1
            }
        }
        return bits & 0x8080_8080_8080_8080 == 0
    }

    /// How many sequences decoding replaces with U+FFFD; counted without a decoded copy, which could be three times as long.
    var invalidSequences: Int {
        withUnsafeBytes { bytes in
            var iterator = bytes.makeIterator()
            var parser = Unicode.UTF8.ForwardParser()
            var count = 0
            while true {
                switch parser.parseScalar(from: &iterator) {
                case .valid: continue
                case .error: count += 1
                case .emptyInput: return count
                }
            }
        }
    }
}
