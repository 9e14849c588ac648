// SPDX-License-Identifier: Apache-2.0

/// The bytes of a price file, searched in place: rows are found by halving and parsed when they are asked for.
struct PriceText: Sendable {
    /// The first line of a price file.
    static let signature = "# hammurabi prices 1"

    private enum Storage: Sendable {
        /// Memory that is never freed, such as a constant of the program.
        case constant(address: UInt, count: Int)
        case owned([UInt8])
    }

    private let storage: Storage
    /// The offset of the first row.
    private let start: Int

    /// Takes bytes that stay where they are as long as the process lives.
    init(constant bytes: UnsafeRawBufferPointer) throws(PriceTableError) {
        let address = UInt(bitPattern: bytes.baseAddress)
        try self.init(storage: .constant(address: address, count: bytes.count))
    }

    /// Takes rows in any order.
    init(entries: [PriceEntry]) {
        let rows = entries.map {
            (key: Array("\($0.provider)\t\($0.model)\t".utf8), from: $0.validFrom, text: PriceLine.text($0))
        }
        let sorted = rows.sorted { left, right in
            guard left.key == right.key else { return left.key.lexicographicallyPrecedes(right.key) }
            return left.from.map(\.nanoseconds) ?? .min < right.from.map(\.nanoseconds) ?? .min
        }
        storage = .owned(sorted.flatMap { Array($0.text.utf8) + [Self.newline] })
        start = 0
    }

    private init(storage: Storage) throws(PriceTableError) {
        self.storage = storage
        let offset: Int? = Self.withBytes(of: storage) { bytes in
            let signature = Array(Self.signature.utf8)
            guard bytes.starts(with: signature), bytes.count > signature.count, bytes[signature.count] == Self.newline
            else { return nil }
            var offset = 0
            while offset < bytes.count, bytes[offset] == UInt8(ascii: "#") { offset = Self.lineEnd(bytes, offset) + 1 }
            return min(offset, bytes.count)
        }
        guard let offset else { throw PriceTableError(line: 1, "a price file begins with \"\(Self.signature)\"") }
        start = offset
    }

    /// The rows of a model of a provider, oldest first, as text; empty when it has none.
    func rows(provider: String, model: String) -> [String] {
        let key = Array("\(provider)\t\(model)\t".utf8)
        return Self.withBytes(of: storage) { bytes in
            var rows: [String] = []
            var offset = firstRow(notBefore: key, in: bytes)
            while offset < bytes.count, bytes[offset...].starts(with: key) {
                let end = Self.lineEnd(bytes, offset)
                rows.append(String(decoding: bytes[offset..<end], as: UTF8.self))
                offset = end + 1
            }
            return rows
        }
    }

    /// Calls `body` with every row in the order of the file.
    func forEachRow(_ body: (String) -> Void) {
        Self.withBytes(of: storage) { bytes in
            var offset = start
            while offset < bytes.count {
                let end = Self.lineEnd(bytes, offset)
                body(String(decoding: bytes[offset..<end], as: UTF8.self))
                offset = end + 1
            }
        }
    }

    private func firstRow(notBefore key: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int {
        var (low, high) = (start, bytes.count)
        while low < high {
            let middle = Self.lineStart(bytes, low + (high - low) / 2, from: low)
            let end = Self.lineEnd(bytes, middle)
            if bytes[middle..<end].lexicographicallyPrecedes(key) {
                low = min(end + 1, bytes.count)
            } else {
                high = middle
            }
        }
        return low
    }

    private static let newline = UInt8(ascii: "\n")

    private static func lineStart(_ bytes: UnsafeRawBufferPointer, _ offset: Int, from low: Int) -> Int {
        var start = offset
        while start > low, bytes[start - 1] != newline { start -= 1 }
        return start
    }

    private static func lineEnd(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        bytes[offset...].firstIndex(of: newline) ?? bytes.count
    }

    private static func withBytes<Result>(of storage: Storage, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch storage {
        case .constant(let address, let count):
            body(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
        case .owned(let bytes):
            bytes.withUnsafeBytes(body)
        }
    }
}
