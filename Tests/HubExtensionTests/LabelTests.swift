// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import HubExtension
import Testing
import Usage

/// Projects in answers and queries: stores use paths, users labels.
@Suite struct LabelTests {
    private func bench() async throws -> Bench {
        let bench = try await Bench()
        bench.store.prepare { $0.names = [.project: ["/me/work/api", "/me/oss/api", "web", "/me/web"]] }
        return bench
    }

    private static func share(_ calls: Int64) -> UsageSummary.Share {
        var share = UsageSummary.Share()
        (share.totals.calls, share.sessions) = (calls, 1)
        return share
    }

    @Test func `a summary names projects by the shortest tail that is theirs alone`() async throws {
        let bench = try await bench()
        bench.store.prepare { state in
            state.summary = { period in
                var summary = UsageSummary(period: period)
                summary.byProject = [
                    "/me/work/api": Self.share(1), "/me/oss/api": Self.share(2), "web": Self.share(3),
                    "/me/web": Self.share(4), "": Self.share(5),
                ]
                summary.series = period.days.map { _ in ["/me/web": Self.share(4).totals, "web": Self.share(3).totals] }
                return summary
            }
        }
        let text = try await bench.get("/api/telemetry/summary?series=project").text
        let shares = try #require(text.split(separator: #""byProject":"#).last?.split(separator: #""byUser""#).first)
        let expected = [("oss/api", 1, 2), ("unknown", 1, 5), ("web", 2, 7), ("work/api", 1, 1)]
        for (name, sessions, calls) in expected {
            #expect(shares.contains(#""\#(name)":{"cost":0,"sessions":\#(sessions),"calls":\#(calls),"#))
        }
        #expect(text.contains(#""values":{"web":{"cost":0,"calls":7,"#) && !text.contains("/me/"))
    }

    @Test(
        arguments: [
            ("work/api", ["/me/work/api"]), ("/me/oss/api", ["/me/oss/api"]), ("api", ["/me/work/api", "/me/oss/api"]),
            ("web", ["web", "/me/web"]), ("unknown", ["unknown", ""]), ("other", ["other"]),
        ] as [(String, Set<String>)]
    )
    func `a project is asked for by label or path`(asked: String, keys: Set<String>) async throws {
        let bench = try await bench()
        _ = try await bench.get("/api/telemetry/summary?project=\(asked)")
        _ = try await bench.get("/api/telemetry/sessions?project=\(asked)")
        #expect(bench.store.asked.summaries.map { $0.filter[.project] } == [keys])
        #expect(bench.store.asked.queries.map { $0.filter[.project] } == [keys])
    }

    @Test func `sessions name their project by its label`() async throws {
        let bench = try await bench()
        var session = try makeSession()
        session.project = "/me/oss/api"
        let page = SessionPage(sessions: [session], total: 1, next: nil)
        var detail = SessionDetail(session: session, calls: [], events: [], costByModel: [:])
        detail.subagents = [SessionDetail.Subagent(session: session, calls: [])]
        bench.store.prepare { [detail] state in (state.page, state.details) = (page, ["s-1": detail]) }
        let texts = [
            try await bench.get("/api/telemetry/sessions").text,
            try await bench.get("/api/telemetry/sessions/s-1", ["id": "s-1"]).text,
        ]
        for text in texts { #expect(text.contains(#""project":"oss/api""#) && !text.contains("/me/oss/api")) }
    }
}
