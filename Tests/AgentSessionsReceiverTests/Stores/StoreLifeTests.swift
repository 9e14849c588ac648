// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import CollectorTesting
import Foundation
import Glibc
import OTLP
import Testing
import Usage

/// What happens to the files of every agent: they come in any order, are read again, written again and moved.
struct StoreLifeTests {
    @Test func `a scan of everything comes to the true sums, and a second one reads nothing`() async throws {
        for fixture in try StoreFixture.all {
            let scene = try await Scene(try fixture.home())
            let report = try await scene.scan()
            #expect(scene.books.figures == fixture.truth, "\(fixture.name)")
            #expect(report.problems.isEmpty && report.unknownLines.isEmpty, "\(fixture.name): \(report.problems)")
            #expect(
                Int64(report.ingested) == fixture.truth[0] && Int64(report.calls - fixture.sums) == fixture.truth[0],
                "\(fixture.name)"
            )
            let second = try await scene.scan()
            #expect(second.scanned == 0 && second.calls == 0 && second.skipped == report.scanned, "\(fixture.name)")
            await scene.shutdown()
        }
    }

    /// What the bytes of a file are is not asked as long as its size and time are those that are known: nothing of a gigabyte is read.
    @Test func `a store that does not change is known by its size and time alone`() async throws {
        for fixture in try StoreFixture.all {
            let home = try fixture.home()
            let scene = try await Scene(home)
            let first = try await scene.scan()
            for path in Set(fixture.files.map(\.path)) {
                let file = home.path + "/" + path
                var status = stat()
                guard stat(file, &status) == 0, let handle = FileHandle(forWritingAtPath: file) else { continue }
                try handle.write(contentsOf: [UInt8](repeating: 0xFF, count: Int(status.st_size)))
                try handle.close()
                var times = [status.st_atim, status.st_mtim]
                #expect(utimensat(AT_FDCWD, file, &times, 0) == 0)
            }
            let second = try await scene.scan()
            #expect(second.scanned == 0 && second.skipped == first.scanned, "\(fixture.name)")
            #expect(second.problems.isEmpty && second.unreadable == 0, "\(fixture.name): \(second.problems)")
            #expect(scene.books.figures == fixture.truth, "\(fixture.name)")
            await scene.shutdown()
        }
    }

    /// Files come one by one in any order; between two of them the receiver may have been killed and have lost its memory.
    @Test func `any order and any memory come to the true sums`() async throws {
        var random = SeededGenerator(seed: 19)
        for fixture in try StoreFixture.all {
            for _ in 0..<4 {
                let home = try TestHome()
                let books = try Books()
                for index in Self.order(fixture, &random) {
                    try home.write(fixture.files[index].bytes, to: fixture.files[index].path)
                    if Bool.random(using: &random) { try? home.remove("hub") }
                    let scene = try await Scene(home, books: books)
                    try await scene.scan()
                    await scene.shutdown()
                }
                #expect(books.figures == fixture.truth, "\(fixture.name)")
            }
        }
    }

    /// An order of the files in which versions of one file keep theirs.
    private static func order(_ fixture: StoreFixture, _ random: inout SeededGenerator) -> [Int] {
        var order = Array(fixture.files.indices).shuffled(using: &random)
        for path in Set(fixture.files.map(\.path)) {
            let places = order.indices.filter { fixture.files[order[$0]].path == path }
            for (place, index) in zip(places, places.map { order[$0] }.sorted()) { order[place] = index }
        }
        return order
    }

    @Test func `files that are cut anywhere never add a call`() async throws {
        for fixture in try StoreFixture.all {
            let last = Dictionary(fixture.files.map { ($0.path, $0.bytes) }) { $1 }
            for part in 1..<6 {
                let home = try TestHome()
                for (path, bytes) in last where !path.hasSuffix(".db") {
                    try home.write(Array(bytes.prefix(bytes.count * part / 6)), to: path)
                }
                let books = try await scanned(home).books
                try fixture.write(to: home)
                let scene = try await Scene(home, books: books)
                try await scene.scan()
                #expect(books.figures == fixture.truth, "\(fixture.name) at \(part)/6")
                await scene.shutdown()
            }
        }
    }

    @Test func `starting at the end leaves out what was there`() async throws {
        for fixture in try StoreFixture.all {
            let home = try fixture.home()
            let scene = try await Scene(home) { $0.startAt = .end }
            try await scene.scan()
            #expect(scene.books.figures[0] == 0, "\(fixture.name)")
            // Documents and databases are read as a whole when they change: what is older than the first look stays out.
            try fixture.write(to: home)
            try await scene.scan()
            #expect(scene.books.figures[0] == 0, "\(fixture.name)")
            await scene.shutdown()
        }
    }

    @Test func `an agent can be switched off`() async throws {
        for fixture in try StoreFixture.all {
            let scene = try await Scene(try fixture.home()) { config in
                config.opencode.enabled = false
                config.gemini.enabled = false
                config.copilot.enabled = false
                config.cline.enabled = false
                config.pi.enabled = false
                config.qwen.enabled = false
                config.kimi.enabled = false
                config.amp.enabled = false
            }
            #expect(try await scene.scan().scanned == 0, "\(fixture.name)")
            await scene.shutdown()
        }
    }

    /// Every agent's folders, by its variables and by the configuration.
    @Test func `a store is read where the configuration says that it is`() async throws {
        for fixture in try StoreFixture.all {
            let home = try TestHome()
            for file in fixture.files { try home.write(file.bytes, to: "elsewhere/" + file.path) }
            let folders = Set(fixture.files.map { "elsewhere/" + Self.agentHome(of: $0.path) }).sorted()
            let paths = folders.map { ConfigPath(home.path + "/" + $0) }
            let scene = try await Scene(home) { config in
                config.opencode.directories = paths
                config.gemini.directories = paths
                config.copilot.directories = paths
                config.cline.directories = paths
                config.pi.directories = paths
                config.qwen.directories = paths
                config.kimi.directories = paths
                config.amp.directories = paths
                let name = fixture.name
                config.opencode.enabled = ["opencode", "kilo-cli", "mimocode"].contains { name.hasPrefix($0) }
                config.gemini.enabled = name.hasPrefix("gemini")
                config.copilot.enabled = name.hasPrefix("copilot")
                config.cline.enabled = name.hasPrefix("cline") || name == "roo" || name == "kilo"
                config.pi.enabled = name == "pi"
                config.qwen.enabled = name == "qwen"
                config.kimi.enabled = name.hasPrefix("kimi")
                config.amp.enabled = name == "amp"
            }
            try await scene.scan()
            #expect(scene.books.figures == fixture.truth, "\(fixture.name)")
            await scene.shutdown()
        }
    }

    /// The home of an agent that a fixture's path is in: what is before the folders that the agent keeps its sessions in.
    private static func agentHome(of path: String) -> String {
        let parts = path.split(separator: "/").map(String.init)
        let inner = ["tmp", "storage", "session-state", "otel", "tasks", "sessions", "projects", "threads"]
        let end = parts.firstIndex { inner.contains($0) } ?? parts.count - 1
        return parts[..<end].joined(separator: "/")
    }

    /// Two scanners look at one home at once, as a command does beside a running collector.
    @Test func `two scanners at once count nothing twice`() async throws {
        for fixture in try StoreFixture.all {
            let home = try fixture.home()
            let books = try Books()
            let first = try await Scene(home, books: books)
            let second = try await Scene(home, books: books) {
                $0.checkpoint = ConfigPath(home.path + "/other.checkpoint")
            }
            async let one = first.scan()
            async let other = second.scan()
            _ = try await (one, other)
            #expect(books.figures == fixture.truth, "\(fixture.name)")
            await first.shutdown()
            await second.shutdown()
        }
    }
}
