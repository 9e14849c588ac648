// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

/// The limits of a subscription that Codex writes into its rollouts.
struct RolloutLimitTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private func event(_ limits: String, second: Int, info: String = "null") -> String {
        rolloutLine("event_msg", #"{"type":"token_count","info":\#(info),"rate_limits":\#(limits)}"#, second: second)
    }

    private func window(_ used: String, _ minutes: Int, _ resets: String = #""resets_at":1796000000"#) -> String {
        #"{"used_percent":\#(used),"window_minutes":\#(minutes),\#(resets)}"#
    }

    private func limits(_ text: String, id: String = threadA) async throws -> [String] {
        try home.write(text, to: rolloutName(id))
        return try await scanned(home).books.limits.map(Self.text)
    }

    private static func text(_ limit: UsageLimit) -> String {
        [
            limit.agent, limit.machine ?? "-", limit.account ?? "-", limit.name, limit.label,
            String(limit.used / 1_000_000),
            limit.resetsAt.map { String($0.milliseconds / 1_000) } ?? "-", limit.plan ?? "-", limit.source.rawValue,
        ].joined(separator: " ")
    }

    /// The member `rate_limits` of one event, and the limits that are read.
    @Test(arguments: [
        (
            #"{"limit_id":"codex","limit_name":null,"primary":{"used_percent":38.5,"window_minutes":300,"resets_at":1796000000},"#
                + #""secondary":{"used_percent":12,"window_minutes":10080,"resets_at":1796500000},"#
                + #""credits":{"has_credits":false,"unlimited":false,"balance":null},"plan_type":"plus"}"#,
            [
                "codex desk - primary 5h 385 1796000000 plus rollout",
                "codex desk - secondary 7d 120 1796500000 plus rollout",
            ]
        ),
        // Versions before 0.47 have the seconds that are left: the line is of 2026-10-01T09:00:02Z.
        (
            #"{"primary":{"used_percent":1.0,"window_minutes":299,"resets_in_seconds":100}}"#,
            ["codex desk - primary 299m 10 1790845302 - rollout"]
        ),
        // Another family of limits has its name in front.
        (
            #"{"limit_id":"codex_bengalfox","primary":{"used_percent":7,"window_minutes":300}}"#,
            ["codex desk - codex_bengalfox primary 5h 70 - - rollout"]
        ),
        // A real sample of a Plus account: ingo-eichhorst/Irrlicht#309.
        (
            #"{"limit_id":"codex","limit_name":null,"primary":{"used_percent":1.0,"window_minutes":300,"resets_at":1796000000},"#
                + #""secondary":{"used_percent":0.0,"window_minutes":10080,"resets_at":1796500000},"credits":null,"#
                + #""plan_type":"plus","rate_limit_reached_type":null}"#,
            [
                "codex desk - primary 5h 10 1796000000 plus rollout",
                "codex desk - secondary 7d 0 1796500000 plus rollout",
            ]
        ),
        // A plan may have the week as its first window: the window has its length, not its place (RunMaestro/Maestro#1597).
        (
            #"{"limit_id":"codex","primary":{"used_percent":3.0,"window_minutes":10080,"resets_at":1796500000},"secondary":null,"#
                + #""credits":null,"plan_type":"go","rate_limit_reached_type":null}"#,
            ["codex desk - primary 7d 30 1796500000 go rollout"]
        ),
        // Of a share of a workspace's credits the rest is reported (openai/codex, SpendControlLimitSnapshot), and credits are no limit.
        (
            #"{"primary":{"used_percent":12.5,"window_minutes":300,"resets_at":1796000000},"#
                + #""credits":{"has_credits":true,"unlimited":false,"balance":"12.5"},"#
                + #""individual_limit":{"limit":"100","used":"12","remaining_percent":88,"resets_at":1796600000},"plan_type":"business"}"#,
            [
                "codex desk - individual_limit individual_limit 120 1796600000 business rollout",
                "codex desk - primary 5h 125 1796000000 business rollout",
            ]
        ),
        // Without a subscription, and in `codex exec` of some versions, there are none: openai/codex#14880.
        (#"{"limit_id":"premium","primary":null,"secondary":null,"individual_limit":null,"credits":null}"#, []),
        (#"{"primary":{"used_percent":0}}"#, ["codex desk - primary primary 0 - - rollout"]),
        // Everything may be missing or of another type.
        (#"{"primary":null,"secondary":null,"credits":null,"plan_type":null}"#, []), ("null", []), ("7", []),
        ("[]", []),
        (#"{"primary":{"window_minutes":300}}"#, []), (#"{"primary":{"used_percent":"much"}}"#, []),
        (#"{"primary":{"used_percent":-3}}"#, []), (#"{"primary":{"used_percent":1e9}}"#, []),
        (#"{"primary":[1],"secondary":"x","used_percent":5}"#, []),
    ])
    func `a report is read`(reported: String, expected: [String]) async throws {
        #expect(try await limits(meta(threadA) + turn("gpt-5", second: 1) + event(reported, second: 2)) == expected)
    }

    @Test func `the account is that of the thread, also where reading goes on later`() async throws {
        let begun =
            meta(threadA, more: #","creator_account_id":"acc-1""#)
            + event(#"{"primary":\#(window("10", 300))}"#, second: 2)
        try home.write(begun, to: rolloutName(threadA))
        let scene = try await Scene(home)
        try await scene.scan()
        try home.append(event(#"{"primary":\#(window("20", 300))}"#, second: 3), to: rolloutName(threadA))
        try await scene.scan()
        await scene.shutdown()
        let again = try await Scene(home, books: scene.books)
        try home.append(event(#"{"primary":\#(window("30", 300))}"#, second: 4), to: rolloutName(threadA))
        try await again.scan()
        await again.shutdown()
        #expect(scene.books.limits.map(Self.text) == ["codex desk acc-1 primary 5h 300 1796000000 - rollout"])
    }

    @Test func `of many events the newest is handed on, and calls are counted as before`() async throws {
        let text =
            meta(threadA) + turn("gpt-5", second: 1)
            + (2..<40).map { second in
                total((100 * Int64(second), 0, 10), last: (100, 0, 10), second: second)
                    + event(#"{"primary":\#(window(String(second), 300))}"#, second: second)
            }.joined()
        try home.write(text, to: rolloutName(threadA))
        let books = try await scanned(home).books
        #expect(books.limits.map(\.used) == [390_000_000])
        // 38 calls, the facts of the session at its beginning and its end, one limit.
        #expect(books.batchSizes.reduce(0, +) == 41)
    }

    @Test func `a copy of the parent's history reports nothing`() async throws {
        let fork = meta(threadB, more: #","forked_from_id":"\#(threadA)""#)
        #expect(try await limits(fork + event(#"{"primary":\#(window("80", 300))}"#, second: 2), id: threadB).isEmpty)
    }

    @Test func `no number of windows fills the memory`() async throws {
        let many = (0..<100).map { #""w\#($0)":\#(window("1", 300))"# }.joined(separator: ",")
        #expect(try await limits(meta(threadA) + event("{\(many)}", second: 2)).count == 8)
    }
}
