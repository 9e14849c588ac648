// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import CollectorTesting
import Foundation
import Glibc

/// A PostgreSQL server of the tests, with an empty database of its own; it ends with this object and with the tests.
///
/// Needs PostgreSQL 13 or newer in `/usr/lib/postgresql/VERSION/bin`, in the folder that `POSTGRESQL_BIN` names, or in `PATH`.
public final class PostgresServer: Sendable {
    /// Why tests with a server do not run.
    public static let need = "needs PostgreSQL: apt-get install postgresql libpq5"

    /// Why a server does not run.
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The programs of the newest server that is installed; nil when there is none.
    private static let programs: String? = {
        if let given = ProcessInfo.processInfo.environment["POSTGRESQL_BIN"] { return given }
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let installed = versions.compactMap { Int($0) }.sorted().map { "\(root)/\($0)/bin" }
        let search = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (search + installed).last { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }
    }()

    private static var installed: String {
        get throws {
            guard let programs else { throw Failure(description: need) }
            return programs
        }
    }

    /// Whether one can be started.
    public static var isInstalled: Bool { programs != nil && FileManager.default.isReadableFile(atPath: library) }

    private static let library =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
        .map { "\($0)/libpq.so.5" }.first { FileManager.default.fileExists(atPath: $0) } ?? "/nowhere"

    /// A server that tests share, each with a schema of its own.
    public static let shared = Task { try await PostgresServer() }

    private let folder: TemporaryFolder
    private let port: Int
    private let lifeline = Pipe()

    /// Starts a server on a free port of the loopback interface.
    public convenience init() async throws { try await self.init(copying: nil) }

    /// Starts a standby that follows this server.
    public func standby() async throws -> PostgresServer { try await PostgresServer(copying: port) }

    private init(copying primary: Int?) async throws {
        folder = try TemporaryFolder()
        port = try Self.freePort()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        let program = try ChildProcess(
            [
                "sh", "-c", Self.script, "sh", try Self.installed, folder.path, "\(port)",
                primary.map(String.init) ?? "",
            ],
            files: [0: lifeline.fileHandleForReading.fileDescriptor]
        )
        while !FileManager.default.fileExists(atPath: "\(folder.path)/ready") {
            guard program.isRunning else { throw Failure(description: (try? folder.read("out")) ?? "") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The server refuses to run as root; it ends when the other side of its input is closed.
    private static let script = """
        set -e
        bin=$1 dir=$2 port=$3 primary=$4
        exec >"$dir/out" 2>&1
        if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; run="runuser -u postgres --"; else run=; fi
        cd /
        if [ -z "$primary" ]; then
            $run "$bin/initdb" -D "$dir/d" -A trust -U postgres --no-sync -E UTF8 --locale=C
        else
            $run "$bin/pg_basebackup" -h 127.0.0.1 -p "$primary" -U postgres -D "$dir/d" -R -X stream -c fast --no-sync
        fi
        $run "$bin/pg_ctl" -D "$dir/d" -w -l "$dir/d/log" \
            -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200" start
        touch "$dir/ready"
        cat
        $run "$bin/pg_ctl" -D "$dir/d" -m immediate -w stop
        """

    fileprivate static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        guard code == 0 else { throw Failure(description: "there is no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// The address of its database.
    public var datasource: String { "postgres://postgres@127.0.0.1:\(port)/postgres" }

    /// Ends the server without a checkpoint, as a crash does, and starts it again.
    public func crash() async throws { try await control("-m", "immediate", "-w", "restart") }

    /// Ends the server; what is connected is cut off.
    public func stop() async throws { try await control("-m", "fast", "-w", "stop") }

    /// Starts the server again after ``stop()``.
    public func resume() async throws { try await control("-w", "restart") }

    /// Makes a standby the primary server.
    public func promote() async throws { try await control("-w", "promote") }

    /// The port at which it listens.
    public var listeningPort: Int { port }

    private func control(_ words: String...) async throws {
        let user = getuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []
        let command = user + ["\(try Self.installed)/pg_ctl", "-D", "\(folder.path)/d"] + words
        let program = try ChildProcess(["sh", "-c", "exec \"$@\" >/dev/null 2>&1", "sh"] + command, directory: "/")
        guard await program.status() == .exited(0) else {
            throw Failure(description: "pg_ctl \(words.joined(separator: " ")) fails")
        }
    }
}

/// A PgBouncer in transaction mode before a server; it ends with this object and with the tests.
public final class PgBouncer: Sendable {
    /// Why tests with a pooler do not run.
    public static let need = "needs PgBouncer: apt-get install pgbouncer"

    private static let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Whether one can be started.
    public static var isInstalled: Bool { program != nil }

    private let folder: TemporaryFolder
    private let port: Int
    private let lifeline = Pipe()

    /// Starts a pooler.
    ///
    /// - Parameter connections: How many connections to the server all clients share.
    public init(_ server: PostgresServer, connections: Int) async throws {
        guard let program = Self.program else { throw Missing() }
        folder = try TemporaryFolder()
        port = try PostgresServer.freePort()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        try folder.write(
            """
            [databases]
            postgres = host=127.0.0.1 port=\(server.listeningPort) dbname=postgres user=postgres
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = \(connections)
            max_client_conn = 200
            server_login_retry = 1
            """,
            to: "pgbouncer.ini"
        )
        let child = try ChildProcess(
            ["sh", "-c", Self.script, "sh", program, folder.path],
            files: [0: lifeline.fileHandleForReading.fileDescriptor]
        )
        try await waitUntil {
            let output = (try? folder.read("out")) ?? ""
            guard child.isRunning, !output.contains("FATAL") else { throw Missing(output: output) }
            return output.contains("process up")
        }
    }

    private struct Missing: Error { var output = "" }

    private static let script = """
        program=$1 dir=$2
        exec >"$dir/out" 2>&1
        if [ "$(id -u)" = 0 ]; then chown -R postgres "$dir"; run="runuser -u postgres --"; else run=; fi
        cd /
        $run "$program" "$dir/pgbouncer.ini" & pid=$!
        cat
        kill $pid
        """

    /// The address of the database through it.
    public var datasource: String { "postgres://postgres@127.0.0.1:\(port)/postgres" }
}
