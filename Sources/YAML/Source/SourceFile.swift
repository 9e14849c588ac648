// SPDX-License-Identifier: Apache-2.0

/// The bytes of one configuration file, split into lines the way libyaml counts them.
///
/// A byte order mark is dropped. Bytes that are not UTF-8 are kept, so that a diagnostic can show their line.
public struct SourceFile: Sendable {
    /// The name shown in diagnostics, usually the path as the user wrote it.
    public let name: String
    let bytes: [UInt8]
    private let lines: [Range<Int>]

    /// Creates a source from text.
    public init(name: String, text: String) {
        self.init(name: name, bytes: Array(text.utf8))
    }

    /// Creates a source from the bytes of a file.
    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        self.lines = Self.lineRanges(of: self.bytes)
    }

    /// The number of lines; at least 1.
    public var lineCount: Int { lines.count }

    /// Returns the text of a 1-based line without its line break, or nil beyond the last line.
    public func line(_ number: Int) -> String? {
        guard lines.indices.contains(number - 1) else { return nil }
        return String(decoding: bytes[lines[number - 1]], as: UTF8.self)
    }

    /// Returns the 1-based line and column of a byte offset.
    func position(ofByte offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = lines.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if lines[middle].lowerBound <= offset { low = middle } else { high = middle - 1 }
        }
        let start = lines[low].lowerBound
        let before = bytes[start..<min(max(start, offset), bytes.count)]
        return (low + 1, String(decoding: before, as: UTF8.self).unicodeScalars.count + 1)
    }

    /// Splits at LF, CR, CR LF, NEL, LS and PS: libyaml advances its line counter at each of them.
    private static func lineRanges(of bytes: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            let width = lineBreakWidth(in: bytes, at: index)
            guard width > 0 else {
                index += 1
                continue
            }
            ranges.append(start..<index)
            index += width
            start = index
        }
        ranges.append(start..<bytes.count)
        return ranges
    }

    private static func lineBreakWidth(in bytes: [UInt8], at index: Int) -> Int {
        func byte(_ offset: Int) -> UInt8? { index + offset < bytes.count ? bytes[index + offset] : nil }
        switch bytes[index] {
        case 0x0A: return 1
        case 0x0D: return byte(1) == 0x0A ? 2 : 1
        case 0xC2: return byte(1) == 0x85 ? 2 : 0
        case 0xE2: return byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9) ? 3 : 0
        default: return 0
        }
    }
}
