// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

/// The observations of bodies that real programs sent.
///
/// A line has: agent, model, counts (uncached, read, written for 5 minutes + an hour, output, reasoning), source, time, session, ids.
struct RecordedTrafficTests {
    @Test(arguments: Self.expectations)
    func `a recorded body gives exactly these observations`(recording: Recording, lines: [String]) throws {
        #expect(try processed(recording.batch()).observations.map(\.line) == lines)
    }

    static let expectations: [(Recording, [String])] = [
        (
            // Numbers are integers; cache writes are separated by lifetime; another event of the call has no tokens.
            Recording("cc-2.1.330-errors-json/0003-logs.json"),
            [
                """
                claude-code claude-sonnet-4-5-20250929 3/9028/2416+0/464/0 otlp_log 2026-11-22T08:13:37.999Z 5267b88c request \
                lifetimes 109ms $18737400n
                """
            ]
        ),
        (
            // The same call as a span; the span above it, `claude_code.interaction`, is not a call.
            Recording("cc-2.1.330-errors-json/0005-traces.json"),
            [
                """
                claude-code claude-sonnet-4-5-20250929 3/9028/2416+0/464/0 otlp_span 2026-11-22T08:13:37.999Z 5267b88c request \
                2579ms
                """
            ]
        ),
        (
            // Every number is a string, and there is no id.
            Recording("cc-2.1.71-tools-json/0006-logs.json"),
            [
                "claude-code claude-sonnet-4-5-20250929 78/13202/982+0/526/0 otlp_log 2026-11-22T08:13:42.769Z 29efb92f no-id 104ms $26278500n",
                "claude-code claude-sonnet-4-5-20250929 25/10558/4535+0/142/0 otlp_log 2026-11-22T08:13:42.876Z 29efb92f no-id 103ms $37297750n",
            ]
        ),
        (
            // The time is zero, each answer is reported twice, input includes cached tokens.
            Recording("codex-0.163.0-tools-json/0004-logs.json"),
            [
                "codex gpt-5.2-codex 2126/13388/0+0/205/18 otlp_log 2026-11-22T08:13:44.144Z 01a20251 no-id",
                "codex gpt-5.2-codex 3643/15500/0+0/270/11 otlp_log 2026-11-22T08:13:44.273Z 01a20251 no-id",
            ]
        ),
        (
            // No model and no conversation; `thread.id` is a number of the operating system.
            Recording("codex-0.163.0-tools-json/0005-traces.json"),
            ["codex ? 3249/19110/0+0/143/24 otlp_span 2026-11-22T08:13:49.238Z no-session no-id 52ms"]
        ),
        (
            Recording("codex-0.163.0-logs-binary/0002-logs.pb"),
            [
                "codex gpt-6.1-sol 82/9532/4092+0/633/16 otlp_log 2026-11-22T08:01:19.706Z 01a20246 no-id",
                "codex gpt-6.1-sol 44/13624/1713+0/133/12 otlp_log 2026-11-22T08:01:19.947Z 01a20246 no-id",
            ]
        ),
        (
            Recording("py-openinference-openai/0002-traces.pb"),
            [
                "py-openinference-openai gpt-5 296/0/0+0/49/0 otlp_span 2026-11-22T08:02:18.447Z sess-204 no-id 121ms",
                "py-openinference-openai gpt-4.1-mini 503/0/0+0/48/0 otlp_span 2026-11-22T08:02:18.640Z sess-204 no-id 192ms",
                "py-openinference-openai text-embedding-3-small 33/0/0+0/0/0 otlp_span 2026-11-22T08:02:18.653Z sess-204 no-id 2ms",
            ]
        ),
        (
            // The agent's span is a sum and not a call.
            Recording("py-pydantic-ai/0001-traces.pb"),
            [
                "file_agent gpt-5-mini 1114/12671/0+0/543/25 otlp_span 2026-11-22T08:02:29.541Z 01a20247 response 142ms $1681275n",
                "file_agent gpt-5-mini 3978/13731/0+0/57/11 otlp_span 2026-11-22T08:02:29.623Z 01a20247 response 66ms $1451775n",
                "file_agent gpt-5-mini 3204/17628/0+0/669/15 otlp_span 2026-11-22T08:02:29.712Z 01a20247 response 76ms $2579700n",
            ]
        ),
        (
            // The vendor's SDK and an instrumentation around it report the same calls, the latter with too much output.
            Recording("py-traceloop-anthropic/0002-traces.pb"),
            traceloopAnthropic
        ),
        (
            Recording("py-traceloop-openai-json-gzip/0002-traces.json"),
            [
                "py-traceloop-openai-json-gzip gpt-5-nano 762/0/0+0/47/0 otlp_span 2026-11-22T08:14:33.252Z no-session response 175ms",
                """
                py-traceloop-openai-json-gzip text-embedding-3-small 22/0/0+0/0/0 otlp_span 2026-11-22T08:14:33.259Z no-session \
                no-id 6ms
                """,
            ]
        ),
    ]

    private static let traceloopAnthropic = [
        ("claude-sonnet-4-5-20250929 75/10447/420+210/847/0", "04.162Z no-session request+response lifetimes 76ms"),
        ("claude-sonnet-4-5-20250929 68/11077/868+434/233/0", "04.263Z no-session request+response lifetimes 98ms"),
        ("claude-haiku-4-5-20251001 15/0/2188+0/185/0", "04.401Z no-session request+response lifetimes 136ms"),
        ("claude-haiku-4-5-20251001 459/0/0+0/15/0", "04.508Z no-session request+response lifetimes 106ms"),
        ("claude-sonnet-4-5-20250929 75/10447/630+0/847/0", "04.163Z no-session response 78ms"),
        ("claude-sonnet-4-5-20250929 68/11077/1302+0/233/0", "04.263Z no-session response 99ms"),
        ("claude-haiku-4-5-20251001 15/0/2188+0/188/0", "04.401Z no-session response 137ms"),
        ("claude-haiku-4-5-20251001 459/0/0+0/18/0", "04.508Z no-session response 107ms"),
    ].map { "py-traceloop-anthropic \($0) otlp_span 2026-11-22T08:02:\($1)" }

    @Test func `the log record and the span of one call know it by the same request id`() throws {
        let log = try processed(Recording("cc-2.1.330-errors-json/0003-logs.json").batch()).observations
        let span = try processed(Recording("cc-2.1.330-errors-json/0005-traces.json").batch()).observations
        #expect(log.first?.keys == span.first?.keys)
        #expect(log.first?.emitter != span.first?.emitter)
    }

    @Test func `without ids they resemble each other`() throws {
        let log = try processed(Recording("codex-0.163.0-tools-json/0007-logs.json").batch()).observations
        let span = try processed(Recording("codex-0.163.0-tools-json/0005-traces.json").batch()).observations
        #expect(Ledger.resemble(try #require(log.first), try #require(span.first), by: .blockingKey))
    }

    @Test(arguments: ["0002", "0004", "0009", "0012"])
    func `metrics report no calls and no sessions`(number: String) throws {
        let batch = try processed(Recording("cc-2.1.330-errors-json/\(number)-metrics.json").batch())
        #expect(batch.otlp.recordCount > 0)
        #expect(batch.observations.isEmpty && batch.sessions.isEmpty)
    }

    @Test func `log records are signs of life of their sessions, spans are not`() throws {
        let logs = try processed(Recording("codex-0.163.0-logs-binary/0004-logs.pb").batch())
        #expect(
            logs.sessions.map(\.id) == ["01a20246-1eaa-7123-82c5-6ee8e42ea8d4", "01a20246-3332-77d3-81b3-ec7ec18cd6e9"]
        )
        #expect(logs.sessions.map(\.firstSeen.iso8601) == ["2026-11-22T08:01:24.664Z", "2026-11-22T08:01:24.803Z"])
        #expect(logs.sessions.map(\.lastSeen.iso8601) == ["2026-11-22T08:01:25.377Z", "2026-11-22T08:01:25.240Z"])
        #expect(logs.sessions.allSatisfy { $0.agent == "codex" && $0.machine == "devbox" })
        #expect(Set(logs.otlp.records.indices.map { logs.sessions.position(ofRecord: $0) }) == [nil, 0, 1])
        let spans = try processed(Recording("py-pydantic-ai/0001-traces.pb").batch())
        #expect(spans.sessions.isEmpty)
    }
}
