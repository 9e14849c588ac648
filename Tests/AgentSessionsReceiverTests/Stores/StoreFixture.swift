// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import GRDBSQLite
import OTLP
import Testing
import Usage

/// The files of an agent with the difficult traits of its store, and what is true of them.
struct StoreFixture: CustomTestStringConvertible, Sendable {
    var name: String
    /// Paths below the home, and contents; a path may come more than once, as the file was written again.
    var files: [(path: String, bytes: [UInt8])]
    /// Calls, uncached input, cache reads, cache writes, output.
    var truth: [Int64]

    init(_ name: String, _ files: [(String, String)], truth: [Int64]) {
        self.init(name, bytes: files.map { ($0.0, Array($0.1.utf8)) }, truth: truth)
    }

    init(_ name: String, bytes files: [(String, [UInt8])], truth: [Int64]) {
        (self.name, self.files, self.truth) = (name, files.map { (path: $0.0, bytes: $0.1) }, truth)
    }

    var testDescription: String { name }

    /// Writes all files.
    func write(to home: TestHome) throws {
        for file in files { try home.write(file.bytes, to: file.path) }
    }

    /// A home with all files.
    func home() throws -> TestHome {
        let home = try TestHome()
        try write(to: home)
        return home
    }
}

/// A database that a test writes as an agent would.
final class TestDatabase {
    private var connection: OpaquePointer?
    let path: String

    init(_ path: String, isLogged: Bool = false) throws {
        self.path = path
        let folder = URL(filePath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try #require(sqlite3_open(path, &connection) == SQLITE_OK)
        if isLogged { try run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;") }
    }

    deinit { close() }

    func close() {
        sqlite3_close_v2(connection)
        connection = nil
    }

    func run(_ sql: String) throws {
        var message: UnsafeMutablePointer<CChar>?
        let code = sqlite3_exec(connection, sql, nil, nil, &message)
        try #require(code == SQLITE_OK, "\(message.map { String(cString: $0) } ?? "")")
    }

    /// The bytes of a database made by statements.
    static func bytes(_ sql: String) throws -> [UInt8] {
        let path = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString).db").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let database = try TestDatabase(path)
        try database.run(sql)
        database.close()
        return try [UInt8](Data(contentsOf: URL(filePath: path)))
    }
}

/// A request with one log record, as an agent sends it.
func telemetry(
    service: String,
    event: String,
    time: String,
    _ attributes: [(String, AttributeScalar)]
) throws -> Batch {
    var builder = LogBatchBuilder(
        resource: [LogRecordDraft.Attribute("service.name", .string(service))],
        scopeName: service
    )
    var record = LogRecordDraft(
        time: UInt64(try #require(Timestamp(iso8601: time)).nanoseconds),
        eventName: event
    )
    for (key, value) in attributes { record.append(key, value) }
    builder.append(record)
    return Batch(try builder.batch(), receivedAt: Timestamp(nanoseconds: 1_800_000_000_000_000_000))
}

/// A request with one span, as a library sends it; attributes in JSON.
func span(service: String, name: String, end: String, _ attributes: [(String, String)]) throws -> Batch {
    let end = try #require(Timestamp(iso8601: end)).nanoseconds
    let list = attributes.map { #"{"key":"\#($0.0)","value":\#($0.1)}"# }.joined(separator: ",")
    let text =
        #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"\#(service)"}}]},"#
        + #""scopeSpans":[{"scope":{"name":"ai"},"spans":[{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","#
        + #""name":"\#(name)","startTimeUnixNano":"\#(end - 2_000_000_000)","endTimeUnixNano":"\#(end)","attributes":[\#(list)]}]}]}]}"#
    return Batch(
        try OTLPBatch(signal: .traces, json: Array(text.utf8)),
        receivedAt: Timestamp(nanoseconds: 1_800_000_000_000_000_000)
    )
}
