// SPDX-License-Identifier: Apache-2.0

import Files
import Logging
import Synchronization
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A table of names, user to team for example: two columns of a CSV file (RFC 4180) whose first line has the names of the columns.
///
/// The file is looked at once a second at most, when a value is asked for, and read again when it has changed. One that cannot be read
/// then leaves the values that are known and is logged once a minute. Safe to use from many tasks at once.
package final class LookupTable: Sendable {
    private let path: String
    private let keyColumn: String
    private let valueColumn: String
    private let settings: ComponentSettings?
    private let state = Mutex(State())

    private struct State {
        var values: [String: String] = [:]
        var stamp: Stamp?
        var lastLook: Timestamp?
        var lastWord: Timestamp?
    }

    private struct Stamp: Equatable {
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
    }

    /// How many bytes a file may have.
    package static let largest = 16 << 20
    /// How many rows it may have.
    package static let mostRows = 200_000

    /// A table that is not read yet.
    package init(path: String, keyColumn: String, valueColumn: String, _ settings: ComponentSettings?) {
        (self.path, self.keyColumn, self.valueColumn, self.settings) = (path, keyColumn, valueColumn, settings)
    }

    /// Reads the file.
    ///
    /// - Throws: What is wrong with it, with the line.
    package func open() throws(ActionError) {
        let stamp = stamp
        do throws(CSVError) {
            let values = try read()
            state.withLock { ($0.values, $0.stamp, $0.lastLook) = (values, stamp, settings?.now()) }
        } catch {
            throw ActionError(message: error.description, key: "table")
        }
    }

    /// Whether there is a file.
    var isThere: Bool { stamp != nil }

    /// What the table has for a name; nil where it has nothing.
    package func value(for name: String) -> String? {
        look()
        return state.withLock { $0.values[name] }
    }

    /// Reads the file again if it has changed.
    private func look() {
        guard let settings else { return }
        let now = settings.now()
        let known = state.withLock { state -> Stamp?? in
            if let last = state.lastLook, (0..<1_000_000_000).contains(now.nanoseconds - last.nanoseconds) {
                return nil
            }
            state.lastLook = now
            return .some(state.stamp)
        }
        guard let known else { return }
        let stamp = stamp
        guard stamp != known else { return }
        do throws(CSVError) {
            let values = try read()
            state.withLock { ($0.values, $0.stamp) = (values, stamp) }
            settings.logger.info("a table was read again", metadata: ["path": "\(path)", "rows": "\(values.count)"])
        } catch {
            let isDue = state.withLock { state in
                if let last = state.lastWord, (0..<60_000_000_000).contains(now.nanoseconds - last.nanoseconds) {
                    return false
                }
                state.lastWord = now
                return true
            }
            settings.counters.note(error.description, at: now)
            guard isDue else { return }
            settings.logger.error("a table stays as it was", metadata: ["reason": "\(error)"])
        }
    }

    private var stamp: Stamp? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Stamp(
            inode: UInt64(facts.st_ino),
            size: Int64(facts.st_size),
            seconds: OwnFile.modificationTime(facts).tv_sec,
            nanoseconds: OwnFile.modificationTime(facts).tv_nsec
        )
    }

    private func read() throws(CSVError) -> [String: String] {
        let descriptor: Int32
        do throws(FileError) {
            descriptor = try OwnFile.open(path, .reading)
        } catch {
            throw CSVError("\(path): \(error)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CSVError("\(path): cannot be read (\(errno))") }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= Self.largest else {
                throw CSVError("\(path): a table may have at most \(Self.largest >> 20) MiB")
            }
        }
        return try Self.values(bytes, path: path, key: keyColumn, value: valueColumn)
    }

    /// The pairs of two columns.
    package static func values(_ bytes: [UInt8], path: String, key: String, value: String) throws(CSVError)
        -> [String: String]
    {
        var rows = CSVRows(bytes)
        guard let titles = try rows.next(path) else {
            throw CSVError("\(path): the file is empty; its first line has the names of the columns")
        }
        func place(_ column: String) throws(CSVError) -> Int {
            let places = titles.fields.indices.filter { titles.fields[$0] == column }
            guard places.count == 1, let place = places.first else {
                let known = titles.fields.prefix(20).joined(separator: ", ")
                throw CSVError("\(path):1: there is no one column \"\(column)\"; the columns are \(known)")
            }
            return place
        }
        let (keyPlace, valuePlace) = (try place(key), try place(value))
        var values: [String: String] = [:]
        var lines: [String: Int] = [:]
        while let row = try rows.next(path) {
            if row.fields == [""] { continue }
            guard row.fields.count == titles.fields.count else {
                throw CSVError(
                    "\(path):\(row.line): the line has \(row.fields.count) fields, the first line \(titles.fields.count)"
                )
            }
            guard values.count < mostRows else {
                throw CSVError("\(path):\(row.line): a table may have at most \(mostRows) rows")
            }
            let (name, text) = (row.fields[keyPlace], NameLimit.bounded(row.fields[valuePlace]))
            guard !name.isEmpty, !text.isEmpty else { continue }
            if let former = values.updateValue(text, forKey: name), former != text {
                throw CSVError("\(path):\(row.line): \"\(name)\" has another value on line \(lines[name] ?? 1)")
            }
            lines[name] = row.line
        }
        return values
    }
}

/// Why a CSV file cannot be read; the text has the place.
package struct CSVError: Error, CustomStringConvertible {
    /// What is wrong.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// The rows of a CSV text: fields between commas, in quotation marks where they hold commas, quotation marks or ends of lines.
private struct CSVRows {
    private let bytes: [UInt8]
    private var offset = 0
    private var line = 1

    struct Row {
        /// The line on which it begins.
        var line: Int
        var fields: [String]
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // The mark that spreadsheets put in front of UTF-8.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    }

    /// The next row; nil at the end.
    mutating func next(_ path: String) throws(CSVError) -> Row? {
        guard offset < bytes.count else { return nil }
        var row = Row(line: line, fields: [])
        while true {
            row.fields.append(try field(path))
            guard offset < bytes.count else { return row }
            let separator = bytes[offset]
            offset += 1
            if separator == UInt8(ascii: ",") { continue }
            if separator == UInt8(ascii: "\r"), offset < bytes.count, bytes[offset] == UInt8(ascii: "\n") {
                offset += 1
            }
            line += 1
            return row
        }
    }

    /// A field; afterwards the offset is at its separator or at the end.
    private mutating func field(_ path: String) throws(CSVError) -> String {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
            let start = offset
            while offset < bytes.count,
                ![UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(bytes[offset])
            {
                offset += 1
            }
            return String(decoding: bytes[start..<offset], as: UTF8.self)
        }
        let first = line
        offset += 1
        var text: [UInt8] = []
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == UInt8(ascii: "\"") {
                guard offset < bytes.count, bytes[offset] == byte else {
                    let isEnd =
                        offset == bytes.count
                        || [UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(bytes[offset])
                    guard isEnd else { throw CSVError("\(path):\(line): a comma must follow the quotation mark") }
                    return String(decoding: text, as: UTF8.self)
                }
                offset += 1
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            text.append(byte)
        }
        throw CSVError("\(path):\(first): a quotation mark is not closed")
    }
}

/// A method of the same name hides the system's `read`.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
