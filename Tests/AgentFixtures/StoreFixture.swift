// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDBSQLite

/// The files of an agent with the difficult traits of its store, and what is true of them.
package struct StoreFixture: Sendable {
    package var name: String
    /// Paths below the home, and contents; a path may come more than once, as the file was written again.
    package var files: [(path: String, bytes: [UInt8])]
    /// Calls, uncached input, cache reads, cache writes, output.
    package var truth: [Int64]
    /// How many sums of calls there are that do not count, because the calls are there, too.
    package var sums: Int

    package init(_ name: String, _ files: [(String, String)], truth: [Int64], sums: Int = 0) {
        self.init(name, bytes: files.map { ($0.0, Array($0.1.utf8)) }, truth: truth, sums: sums)
    }

    package init(_ name: String, bytes files: [(String, [UInt8])], truth: [Int64], sums: Int = 0) {
        self.name = name
        self.files = files.map { (path: $0.0, bytes: $0.1) }
        (self.truth, self.sums) = (truth, sums)
    }

    /// The fixtures of all agents.
    package static var all: [StoreFixture] {
        get throws {
            try OpenCodeFixtures.fixtures + GeminiFixtures.fixtures + CopilotFixtures.fixtures + ClineFixtures.fixtures
                + PiFixtures.fixtures + QwenFixtures.fixtures + KimiFixtures.fixtures + AmpFixtures.fixtures
        }
    }
}

/// A database that a test writes as an agent would.
package final class TestDatabase {
    private var connection: OpaquePointer?

    /// What SQLite says against a statement.
    package struct Failure: Error {
        package let message: String
    }

    package let path: String

    package init(_ path: String, isLogged: Bool = false) throws {
        self.path = path
        let folder = URL(filePath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard sqlite3_open(path, &connection) == SQLITE_OK else { throw Failure(message: "\(path) cannot be opened") }
        if isLogged { try run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;") }
    }

    deinit { close() }

    package func close() {
        sqlite3_close_v2(connection)
        connection = nil
    }

    package func run(_ sql: String) throws {
        var message: UnsafeMutablePointer<CChar>?
        let code = sqlite3_exec(connection, sql, nil, nil, &message)
        guard code == SQLITE_OK else { throw Failure(message: message.map { String(cString: $0) } ?? "") }
    }

    /// The bytes of a database made by statements.
    package static func bytes(_ sql: String) throws -> [UInt8] {
        let path = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString).db").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let database = try TestDatabase(path)
        try database.run(sql)
        database.close()
        return try [UInt8](Data(contentsOf: URL(filePath: path)))
    }
}
