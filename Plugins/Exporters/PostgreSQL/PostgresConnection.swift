// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

/// One open connection to a server.
///
/// Calls block until the server answers. Used by one thread at a time.
final class PostgresConnection {
    private let libpq: Libpq
    private let handle: Libpq.Handle
    private let isPreparing: Bool
    /// The names of the prepared statements by their texts.
    private var statements: [String: String] = [:]

    /// What a connection is opened with.
    struct Terms: Sendable {
        /// A connection string or URL, as libpq reads it; may hold a password.
        var datasource: String
        /// Whether statements are prepared once and then named.
        var isPreparing = true
        /// How many seconds opening a connection may take; also the longest time without an answer to a probe of the network.
        var connectTimeout = 10
    }

    /// How many statements are kept; their texts are constants, so that there are never more.
    private static let mostStatements = 200

    /// Opens a connection.
    ///
    /// - Throws: ``PostgresError`` without the password.
    init(_ libpq: Libpq, _ terms: Terms) throws(PostgresError) {
        self.libpq = libpq
        isPreparing = terms.isPreparing
        let seconds = String(max(2, terms.connectTimeout))
        // What comes before the connection string is a default, what comes after it holds.
        let settings: [(String, String)] = [
            ("connect_timeout", seconds), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "\(max(2, terms.connectTimeout) * 1_000)"),
            ("fallback_application_name", "hammurabi"), ("dbname", terms.datasource), ("client_encoding", "UTF8"),
        ]
        let keys = settings.map { CText($0.0) }
        let values = settings.map { CText($0.1) }
        let opened = CText.withPointers(keys) { keys in CText.withPointers(values) { libpq.connect(keys, $0, 1) } }
        guard let opened else { throw PostgresError(state: "53200", message: "there is no memory for a connection") }
        guard libpq.status(opened) == LibpqCode.connectionOK else {
            let error = PostgresError(connecting: libpq.errorMessage(opened).map { String(cString: $0) } ?? "")
            libpq.finish(opened)
            throw error
        }
        libpq.setNoticeProcessor(opened) { _, _ in }
        handle = opened
    }

    deinit { libpq.finish(handle) }

    /// Whether the connection can be used further.
    var isOpen: Bool { libpq.status(handle) == LibpqCode.connectionOK }

    /// What the server reported of itself, such as `server_encoding`.
    func parameter(_ name: String) -> String? { libpq.parameter(handle, name).map { String(cString: $0) } }

    /// The version of the server, such as 150018.
    var serverVersion: Int { Int(libpq.serverVersion(handle)) }

    /// Runs statements without parameters, separated by semicolons.
    func execute(_ sql: String) throws(PostgresError) { try check(libpq.execute(handle, sql)) }

    /// Runs a statement that returns rows, or none.
    ///
    /// - Parameter sql: A constant, whose parameters are `$1` and so on.
    @discardableResult
    func run(_ sql: String, _ values: [PostgresValue] = []) throws(PostgresError) -> PostgresRows {
        let types = values.map(\.type)
        let formats = [CInt](repeating: 1, count: values.count)
        let lengths = values.map { CInt(clamping: $0.bytes?.count ?? 0) }
        // An empty value needs an address: without one it would be a null.
        let bytes = values.map { $0.bytes?.isEmpty == true ? [0] : $0.bytes }
        let name = isPreparing ? try prepared(sql, types) : nil
        let result = Self.withPointers(bytes) { pointers in
            if let name {
                return libpq.executePrepared(handle, name, CInt(values.count), pointers, lengths, formats)
            }
            return libpq.executeOnce(handle, sql, CInt(values.count), types, pointers, lengths, formats)
        }
        let rows = PostgresRows(libpq, result)
        try check(rows)
        return rows
    }

    /// Runs a query in the transaction that is open and hands over its rows, some at a time, until `body` says that it wants no more.
    ///
    /// - Parameter count: How many rows are in memory at once.
    func forEachRow(
        _ sql: String,
        _ values: [PostgresValue] = [],
        atOnce count: Int = 10_000,
        _ body: (PostgresRow) throws -> Bool
    ) throws {
        try run("DECLARE rows NO SCROLL CURSOR FOR \(sql)", values)
        var isWanted = true
        while isWanted {
            let rows = try run("FETCH \(count) FROM rows")
            for row in rows.all where isWanted { isWanted = try body(row) }
            if rows.count < count { break }
        }
        try run("CLOSE rows")
    }

    private func prepared(_ sql: String, _ types: [UInt32]) throws(PostgresError) -> String {
        if let known = statements[sql] { return known }
        if statements.count >= Self.mostStatements {
            try execute("DEALLOCATE ALL")
            statements = [:]
        }
        let name = "s\(statements.count)"
        try check(libpq.prepare(handle, name, sql, CInt(types.count), types))
        statements[sql] = name
        return name
    }

    private func check(_ result: Libpq.Handle?) throws(PostgresError) { try check(PostgresRows(libpq, result)) }

    private func check(_ rows: PostgresRows) throws(PostgresError) {
        if let error = rows.error { throw error.state.isEmpty ? lost(error.message) : error }
        guard rows.isThere else { throw lost(libpq.errorMessage(handle).map { String(cString: $0) } ?? "") }
    }

    /// The error of a connection that broke; the library has no state for it.
    private func lost(_ message: String) -> PostgresError {
        PostgresError(state: "08006", message: PostgresError.firstLine(of: message))
    }

    private static func withPointers<Result>(_ buffers: [[UInt8]?], _ body: (Libpq.Values?) -> Result) -> Result {
        func next(_ position: Int, _ pointers: inout [UnsafePointer<CChar>?], _ body: (Libpq.Values?) -> Result)
            -> Result
        {
            guard position < buffers.count else { return pointers.withUnsafeBufferPointer { body($0.baseAddress) } }
            guard let buffer = buffers[position] else {
                pointers.append(nil)
                return next(position + 1, &pointers, body)
            }
            return buffer.withUnsafeBytes { bytes in
                pointers.append(bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
                return next(position + 1, &pointers, body)
            }
        }
        var pointers: [UnsafePointer<CChar>?] = []
        return next(0, &pointers, body)
    }
}

/// A text for C, with the zero behind it.
private struct CText {
    private let characters: [CChar]

    init(_ text: String) { characters = text.utf8.filter { $0 != 0 }.map { CChar(bitPattern: $0) } + [0] }

    static func withPointers<Result>(_ texts: [CText], _ body: (Libpq.Values) -> Result) -> Result {
        func next(_ position: Int, _ pointers: inout [UnsafePointer<CChar>?]) -> Result {
            guard position < texts.count else {
                pointers.append(nil)
                return pointers.withUnsafeBufferPointer { list in
                    // It ends with nil, so it has an address.
                    guard let base = list.baseAddress else {
                        preconditionFailure("an array with a member has no address")
                    }
                    return body(base)
                }
            }
            return texts[position].characters.withUnsafeBufferPointer { characters in
                pointers.append(characters.baseAddress)
                return next(position + 1, &pointers)
            }
        }
        var pointers: [UnsafePointer<CChar>?] = []
        return next(0, &pointers)
    }
}

/// What the server or the client library reports of a failure.
struct PostgresError: Error, CustomStringConvertible {
    /// The five characters of SQLSTATE; `08…` for a connection that could not be opened or broke.
    var state: String
    /// What is wrong, in one line, without values of rows.
    var message: String

    var description: String { "\(message) (\(state))" }

    init(state: String, message: String) { (self.state, self.message) = (state, message) }

    /// An error of opening a connection, for which the client library has a text and no state.
    init(connecting text: String) {
        let message = Self.firstLine(of: text)
        let states: [(String, String)] = [
            ("authentication failed", "28P01"), ("no password supplied", "28P01"), ("no pg_hba.conf entry", "28000"),
            ("does not exist", "3D000"), ("too many clients", "53300"), ("too many connections", "53300"),
            ("remaining connection slots", "53300"), ("is starting up", "57P03"), ("is shutting down", "57P03"),
            ("in recovery mode", "57P03"), ("session is read-only", "25006"), ("session is not read-only", "25006"),
            ("server is in hot standby", "25006"), ("invalid connection option", "HV00D"),
            ("invalid URI", "HV00D"), ("missing \"=\"", "HV00D"), ("invalid port", "HV00D"),
            ("invalid sslmode", "HV00D"),
            ("certificate", "08P01"),
        ]
        self.init(state: states.first { text.contains($0.0) }?.1 ?? "08001", message: message)
    }

    /// The texts of the client library have several lines; each host that was tried has one.
    static func firstLine(of text: String) -> String {
        String(text.split(separator: "\n").first ?? "the connection failed")
    }

    /// A row that another one names is missing, or a figure is none that this program wrote.
    static func damage(_ message: String) -> PostgresError { PostgresError(state: "XX001", message: message) }
}

/// The rows that a statement returned.
final class PostgresRows {
    private let libpq: Libpq
    private let result: Libpq.Handle?
    /// How many rows there are.
    let count: Int

    init(_ libpq: Libpq, _ result: Libpq.Handle?) {
        (self.libpq, self.result) = (libpq, result)
        count = result.map { Int(libpq.rowCount($0)) } ?? 0
    }

    deinit { result.map(libpq.clear) }

    /// Whether the server answered at all.
    var isThere: Bool { result != nil }

    /// Why the statement failed; nil when it did not.
    var error: PostgresError? {
        guard let result else { return nil }
        let status = libpq.resultStatus(result)
        guard status != LibpqCode.commandOK, status != LibpqCode.tuplesOK else { return nil }
        func field(_ code: CInt) -> String { libpq.errorField(result, code).map { String(cString: $0) } ?? "" }
        return PostgresError(
            state: field(LibpqCode.sqlState),
            message: PostgresError.firstLine(of: field(LibpqCode.primaryMessage))
        )
    }

    /// Reads each row.
    func map<Value>(_ read: (PostgresRow) throws -> Value) rethrows -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        for row in 0..<count { values.append(try read(PostgresRow(rows: self, row: CInt(row)))) }
        return values
    }

    /// Every row, valid as long as this is.
    var all: [PostgresRow] { (0..<count).map { PostgresRow(rows: self, row: CInt($0)) } }

    /// The first row; nil when there is none.
    var first: PostgresRow? { count > 0 ? PostgresRow(rows: self, row: 0) : nil }

    fileprivate func bytes(_ row: CInt, _ column: CInt) -> UnsafeRawBufferPointer? {
        guard let result, libpq.isNull(result, row, column) == 0, let value = libpq.value(result, row, column) else {
            return nil
        }
        return UnsafeRawBufferPointer(start: value, count: Int(libpq.length(result, row, column)))
    }

    fileprivate func name(_ column: CInt) -> String {
        result.flatMap { libpq.columnName($0, column) }.map { String(cString: $0) } ?? "column \(column)"
    }
}

/// A row of a result, in the binary form of the server.
struct PostgresRow: SQLRow {
    fileprivate let rows: PostgresRows
    fileprivate let row: CInt

    private func bytes(_ column: Int32) -> UnsafeRawBufferPointer? { rows.bytes(row, column) }

    /// A whole number of any size; 0 for a null.
    func int(_ column: Int32) -> Int64 {
        guard let bytes = bytes(column) else { return 0 }
        switch bytes.count {
        case 8: return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        case 4: return Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        case 2: return Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
        case 1: return Int64(bytes[0])
        default: return 0
        }
    }

    func isNull(_ column: Int32) -> Bool { bytes(column) == nil }

    func outOfRange(_ column: Int32) -> any Error { PostgresError.damage("\(rows.name(column)) is out of range") }

    func blob(_ column: Int32) -> [UInt8] { bytes(column).map { Array($0) } ?? [] }

    /// Calls `body` with the bytes of a column.
    func withBytes<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try body(bytes(column) ?? UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// A text; nil for a null.
    func text(_ column: Int32) -> String? { bytes(column).map(PostgresText.decoded) }

    /// The members of an array of numbers of 64 bits; a null is none.
    func ints(_ column: Int32) -> [Int64] {
        // The head of an array of one dimension, and the size of each member.
        let (head, member) = (20, 12)
        guard let bytes = bytes(column), bytes.count > head, (bytes.count - head) % member == 0 else { return [] }
        return stride(from: head + 4, to: bytes.count, by: member).map {
            Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int64.self))
        }
    }
}

/// Texts as the server keeps them, which holds no zero byte: U+0000 is kept as 1 1, and U+0001 as 1 2, so that the order of bytes stays.
enum PostgresText {
    static func append(_ text: String, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        guard bytes[start...].contains(where: { $0 < 2 }) else { return }
        let whole = Array(bytes[start...])
        bytes.removeSubrange(start...)
        for byte in whole {
            if byte < 2 { bytes += [1, byte + 1] } else { bytes.append(byte) }
        }
    }

    static func decoded(_ bytes: UnsafeRawBufferPointer) -> String {
        guard bytes.contains(1) else { return String(decoding: bytes, as: UTF8.self) }
        var plain: [UInt8] = []
        var isMarked = false
        for byte in bytes {
            if isMarked {
                plain.append(byte &- 1)
                isMarked = false
            } else if byte == 1 {
                isMarked = true
            } else {
                plain.append(byte)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}

/// A parameter of a statement, in the binary form of the server.
struct PostgresValue {
    /// The number of its type.
    let type: UInt32
    /// nil for a null.
    let bytes: [UInt8]?

    /// The numbers of types (pg_type.dat).
    enum TypeNumber {
        static let int8: UInt32 = 20
        static let text: UInt32 = 25
        static let bytea: UInt32 = 17
        static let int8Array: UInt32 = 1_016
        static let textArray: UInt32 = 1_009
        static let byteaArray: UInt32 = 1_001
    }

    static func int(_ value: Int64?) -> PostgresValue {
        PostgresValue(type: TypeNumber.int8, bytes: value.map { withUnsafeBytes(of: $0.bigEndian) { Array($0) } })
    }

    static func text(_ value: String?) -> PostgresValue {
        var bytes: [UInt8]?
        if let value {
            var text: [UInt8] = []
            PostgresText.append(value, to: &text)
            bytes = text
        }
        return PostgresValue(type: TypeNumber.text, bytes: bytes)
    }

    static func blob(_ value: [UInt8]) -> PostgresValue { PostgresValue(type: TypeNumber.bytea, bytes: value) }

    static func ints(_ values: some Sequence<Int64>) -> PostgresValue {
        var array = PostgresArray.ints()
        for value in values { array.append(value) }
        return array.value
    }

    static func texts(_ values: some Sequence<String>) -> PostgresValue {
        var array = PostgresArray.texts()
        for value in values { array.append(value) }
        return array.value
    }
}

/// An array of one dimension in the binary form of the server, written member by member.
struct PostgresArray {
    private let type: UInt32
    private let memberType: UInt32
    private var bytes = [UInt8](repeating: 0, count: headSize)
    private(set) var count = 0
    private var hasNull = false

    private static let headSize = 20

    static func ints() -> PostgresArray {
        PostgresArray(PostgresValue.TypeNumber.int8Array, of: PostgresValue.TypeNumber.int8)
    }
    static func texts() -> PostgresArray {
        PostgresArray(PostgresValue.TypeNumber.textArray, of: PostgresValue.TypeNumber.text)
    }
    static func blobs() -> PostgresArray {
        PostgresArray(PostgresValue.TypeNumber.byteaArray, of: PostgresValue.TypeNumber.bytea)
    }

    private init(_ type: UInt32, of memberType: UInt32) { (self.type, self.memberType) = (type, memberType) }

    mutating func append(_ value: Int64) {
        append(size: 8)
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ value: Int64?) {
        guard let value else { return appendNull() }
        append(value)
    }

    mutating func append(_ value: Bool) { append(value ? 1 : Int64(0)) }

    mutating func append(_ value: String?) {
        guard let value else { return appendNull() }
        let place = bytes.count
        append(size: 0)
        PostgresText.append(value, to: &bytes)
        write(Int32(clamping: bytes.count - place - 4), at: place)
    }

    mutating func append(_ value: some Collection<UInt8>) {
        append(size: Int32(clamping: value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func appendNull() {
        hasNull = true
        append(size: -1)
    }

    private mutating func append(size: Int32) {
        count += 1
        withUnsafeBytes(of: size.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func write(_ number: Int32, at place: Int) {
        withUnsafeBytes(of: number.bigEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    }

    /// The array as a parameter.
    var value: PostgresValue {
        var array = self
        array.write(count == 0 ? 0 : 1, at: 0)
        array.write(hasNull ? 1 : 0, at: 4)
        array.write(Int32(bitPattern: memberType), at: 8)
        guard count > 0 else { return PostgresValue(type: type, bytes: Array(array.bytes.prefix(12))) }
        array.write(Int32(clamping: count), at: 12)
        array.write(1, at: 16)
        return PostgresValue(type: type, bytes: array.bytes)
    }
}
