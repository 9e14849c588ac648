// SPDX-License-Identifier: Apache-2.0

import Logging
import OTLP
import Synchronization
import Testing
import Usage

@testable import CollectorKit

/// The record of telemetry that the collector could not accept.
struct IntakeLogTests {
    private final class Clock: Sendable {
        private let seconds = Atomic<Int64>(0)

        var now: Timestamp { Timestamp(nanoseconds: seconds.load(ordering: .relaxed) * 1_000_000_000) }

        func pass(_ more: Int64) { seconds.wrappingAdd(more, ordering: .relaxed) }
    }

    private let clock = Clock()
    private let log: IntakeLog
    private let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    init() {
        let clock = clock
        log = IntakeLog(now: { clock.now })
    }

    private func refuse(_ path: String, client: String? = "sender/1", _ code: IntakeProblem.Code = .unknownPath) {
        log.note(code, path, client: client, status: 404, reason: "nothing is answered here", logger: logger)
    }

    @Test func `records that a store refused for their age are counted and reported`() throws {
        let settings = ComponentSettings(
            id: try #require(ComponentID("sqlite")),
            logger: logger,
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        settings.note(expired: 0)
        #expect(settings.intake.problems.isEmpty)
        settings.note(expired: 2)
        settings.note(expired: 1)
        #expect(settings.counters.value(.dropped) == 3)
        #expect(
            settings.intake.problems.map(\.message) == [
                "3 records not kept by sqlite: they are older than what compaction has removed"
            ]
        )
    }

    @Test func `a repeated problem is one entry with its count, and its first and last time`() {
        refuse("/x")
        clock.pass(7)
        refuse("/x")
        refuse("/x", client: "other/2")
        #expect(log.problems.map(\.count).sorted() == [1, 2])
        let problem = log.problems.first { $0.client == "sender/1" }
        #expect(problem?.firstSeen == Timestamp(nanoseconds: 0))
        #expect(problem?.lastSeen == clock.now)
        #expect(problem?.message == "2 requests to /x by sender/1 were refused with 404: nothing is answered here")
        #expect(log.problemCounts == [.unknownPath: 3])
    }

    @Test func `the newest comes first`() {
        refuse("/a")
        clock.pass(1)
        refuse("/b")
        clock.pass(1)
        refuse("/a")
        #expect(log.problems.map(\.subject) == ["/a", "/b"])
    }

    @Test func `a query is no part of a path, because it may hold a secret`() {
        refuse("/v1/traces?key=sk-secret")
        #expect(log.problems.map(\.subject) == ["/v1/traces"])
    }

    @Test func `names from outside are cut and lose what steers a terminal`() {
        refuse("/a\u{1B}[31m\n\u{202E}b", client: String(repeating: "é", count: 1_000) + "\r\n")
        let problem = log.problems.first
        #expect(problem?.subject == "/a[31mb")
        #expect(problem?.client == String(repeating: "é", count: 32))
    }

    @Test func `a hostile sender fills neither the memory nor the log, and nothing goes uncounted`() {
        for number in 0..<5_000 { refuse("/\(number)", client: "sender/\(number)") }
        #expect(log.problems.count <= IntakeLog.mostRefusals + IntakeProblem.Code.allCases.count)
        #expect(log.problems.reduce(0) { $0 + $1.count } == 5_000)
        let rest = log.problems.first { $0.subject == IntakeLog.other }
        #expect(rest?.client == IntakeLog.other)
        #expect(rest?.count == 5_000 - IntakeLog.mostRefusals)
    }

    @Test func `attributes have room of their own`() {
        for number in 0..<IntakeLog.mostRefusals { refuse("/\(number)") }
        for number in 0..<1_000 {
            log.note(.unreadUsage, "a.tokens.\(number)", signal: .traces, reason: "", logger: logger)
        }
        let attributes = log.problems.filter { $0.code == .unreadUsage }
        #expect(attributes.count == IntakeLog.mostAttributes + 1)
        #expect(attributes.reduce(0) { $0 + $1.count } == 1_000)
    }

    @Test func `an entry that was not seen for long makes room for a new one`() {
        for number in 0..<IntakeLog.mostRefusals { refuse("/\(number)") }
        refuse("/new")
        #expect(!log.problems.contains { $0.subject == "/new" })
        clock.pass(3_601)
        refuse("/new")
        #expect(log.problems.contains { $0.subject == "/new" })
        // The counter of a kind never decreases.
        #expect(log.problemCounts[.unknownPath] == IntakeLog.mostRefusals + 2)
    }

    @Test func `answers are counted by listener, path and status`() {
        let (first, second) = (log.listener("127.0.0.1:1"), log.listener("127.0.0.1:2"))
        #expect(log.listener("127.0.0.1:1") === first)
        for _ in 0..<3 { first.answered(200, at: "/v1/logs") }
        first.answered(404, at: nil)
        second.answered(200, at: "/v1/logs")
        #expect(
            log.requests == [
                RequestCount(listener: "127.0.0.1:1", path: "/v1/logs", code: 200, count: 3),
                RequestCount(listener: "127.0.0.1:1", path: "other", code: 404, count: 1),
                RequestCount(listener: "127.0.0.1:2", path: "/v1/logs", code: 200, count: 1),
            ]
        )
    }

    @Test(arguments: IntakeProblem.Code.allCases)
    func `every kind of problem says what happened and what to do`(code: IntakeProblem.Code) {
        log.note(code, "thing", signal: .traces, reason: "the reason", count: 12, logger: logger)
        let problem = log.problems.first
        #expect(problem?.message.hasPrefix("12 ") == true)
        #expect(problem?.next.isEmpty == false)
        #expect(problem?.message.contains(code.isOfAttribute ? "`thing`" : "the reason") == true)
    }

    @Test func `usage that is not read names its attribute`() {
        let name = "langfuse.observation.usage_details"
        log.note(.unreadUsage, name, signal: .traces, reason: "", count: 12, logger: logger)
        #expect(log.problems.first?.message == "12 spans with usage in `\(name)` that this version does not read")
    }
}
