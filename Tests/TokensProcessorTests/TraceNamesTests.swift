// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import Testing
import TokensProcessor
import Usage

/// A trace supplies its only session and user to all its calls; a call without a session belongs to the group of its service and day.
struct TraceNamesTests {
    /// The calls after these batches went through one processor.
    private static func calls(_ batches: [[Record]], service: String = "app") throws -> [Call] {
        let processor = try makeProcessor()
        var ledger = MemoryLedger()
        for records in batches {
            var batch = Batch(try spans(records, resource: ["service.name": .string(service)]), receivedAt: arrival)
            try processor.process(&batch)
            #expect(batch.observations.allSatisfy { $0.record < Int32(records.count) })
            try ledger.absorb(batch.observations)
        }
        return ledger.calls.sorted { $0.counts.uncachedInput < $1.counts.uncachedInput }
    }

    private static let agent = Record(
        span: 1,
        name: "lead.run",
        ["openinference.span.kind": "AGENT", "session.id": "agno-1", "user.id": "u-3"]
    )
    private static let call = Record(
        span: 2,
        parent: 1,
        ["openinference.span.kind": "LLM", "llm.provider": "OpenAI", "llm.token_count.prompt": 100]
    )

    @Test(arguments: [
        [[agent, call]], [[call, agent]], [[call], [agent]], [[agent], [call]], [[call], [agent], [call]],
    ])
    func `session and user on the agent's span are those of its calls, in any order`(batches: [[Record]]) throws {
        let calls = try Self.calls(batches)
        #expect(calls.map(\.session) == ["agno-1"])
        #expect(calls.map(\.sessionIsTrace) == [false])
        #expect(calls.map(\.user) == ["u-3"])
    }

    @Test func `a session on a sibling counts, and the only user of a trace is that of all its calls`() throws {
        let sibling = Record(span: 3, parent: 1, name: "tool", ["session.id": "s-1"])
        let root = Record(span: 1, name: "root", ["x": 1])
        let own = Record(
            span: 4,
            parent: 1,
            ["gen_ai.usage.input_tokens": 200, "user.id": "own"]
        )
        let calls = try Self.calls([[Self.call, sibling, own, root]])
        #expect(calls.map(\.session) == ["s-1", "s-1"])
        #expect(calls.map(\.user) == ["own", "own"])
    }

    @Test func `of several sessions in a trace the nearest ancestor's counts, else none`() throws {
        let helper = Record(span: 3, parent: 1, name: "helper", ["session.id": "agno-2"])
        let below = Record(span: 4, parent: 3, ["gen_ai.usage.input_tokens": 200])
        let beside = Record(span: 5, ["gen_ai.usage.input_tokens": 300])
        let calls = try Self.calls([[Self.call, below, beside, helper, Self.agent]])
        #expect(calls.map(\.session) == ["agno-1", "agno-2", "app · 1970-01-01 (no session) · u-3"])
        #expect(calls.map(\.sessionIsTrace) == [false, false, true])
    }

    @Test func `a session of another trace is not lent`() throws {
        var unknownType = Self.agent
        unknownType.trace = "00000000000000000000000000000008"
        #expect(try Self.calls([[Self.call, unknownType]]).map(\.sessionIsTrace) == [true])
        #expect(try Self.calls([[Self.call], [unknownType]]).map(\.sessionIsTrace) == [true])
    }

    @Test func `lending changes no id by which a call is known`() throws {
        let alone = try #require(try processed(spans([Self.call])).observations.first)
        let lent = try #require(try processed(spans([Self.call, Self.agent])).observations.first)
        #expect(alone.id == lent.id && alone.keys == lent.keys && alone.blockingKey == lent.blockingKey)
        #expect(alone.session != lent.session)
    }

    @Test func `calls without a session are one group for each service and day`() throws {
        let day: UInt64 = 86_400_000_000_000
        let records = (0..<6).map { number in
            var record = Record(span: 1, ["gen_ai.usage.input_tokens": .int(Int64(number) + 1)])
            record.trace = "0000000000000000000000000000001\(number)"
            record.time = UInt64(20_767 + number / 3) * day + UInt64(number) * 1_000
            return record
        }
        let calls = try Self.calls(records.map { [$0] }, service: "checkout-service")
        let (first, second) = (
            "checkout-service · 2026-11-10 (no session)", "checkout-service · 2026-11-11 (no session)"
        )
        #expect(calls.map(\.session) == [first, first, first, second, second, second])
        #expect(calls.map(\.sessionIsTrace).contains(false) == false)
    }

    @Test func `users, projects and machines keep groups of their own, because sums by them come from sessions`() throws
    {
        var record = Record(span: 1, ["input_tokens": 1, "user.id": "ann", "project": "p"])
        record.time = 20_767 * 86_400_000_000_000
        let found = try processed(spans([record], resource: ["service.name": "app", "host.name": "box"])).observations
        #expect(found.map(\.session) == ["app · 2026-11-10 (no session) · ann · p · box"])
    }

    @Test func `the agent of a group is its service, which may run several agents`() throws {
        let records = ["lead", "helper"].enumerated().map { number, name in
            Record(span: UInt64(number) + 1, ["gen_ai.agent.name": .string(name), "gen_ai.usage.input_tokens": 1])
        }
        let found = try processed(spans(records, resource: ["service.name": "app"])).observations
        #expect(found.map(\.agent) == ["lead", "helper"])
        #expect(found.map { $0.sessionUpdate?.agent } == ["app", "app"])
        let hostile = try processed(spans([records[0]], resource: ["service.name": " (no session)"])).observations
        #expect(hostile.map { $0.sessionUpdate?.agent } == ["lead"])
    }

    @Test(arguments: [
        "traceloop.association.properties.thread_id", "gcp.vertex.agent.session_id",
        "lmnr.association.properties.session_id", "langsmith.metadata.session_id", "langsmith.metadata.thread_id",
        "litellm.trace_id", "mlflow.trace.session", "metadata.session_id",
    ])
    func `names of a session in other libraries`(key: String) throws {
        #expect(try spanObservation([key: "s-1", "input_tokens": 1] as Attributes)?.session == "s-1")
    }

    @Test(arguments: [
        "traceloop.association.properties.user_id", "langsmith.metadata.user_id", "llm.user",
        "lmnr.association.properties.user_id", "mlflow.trace.user",
    ])
    func `names of a user in other libraries`(key: String) throws {
        #expect(try spanObservation([key: "u-3", "input_tokens": 1] as Attributes)?.user == "u-3")
    }

    @Test func `MLflow writes session and user as JSON`() throws {
        let found = try spanObservation([
            "mlflow.trace.session": #""s-1""#, "mlflow.trace.user": #""u-3""#, "input_tokens": 1,
        ])
        #expect([found?.session, found?.user] == ["s-1", "u-3"])
    }

    @Test func `a call in a trace with two sessions belongs to none of them, whatever came first`() throws {
        func call(_ span: UInt64, session: AttributeScalar?) -> Record {
            let input: AttributeScalar = .int(Int64(10 * span))
            return Record(
                span: span,
                session.map { ["gen_ai.usage.input_tokens": input, "session.id": $0] }
                    ?? ["gen_ai.usage.input_tokens": input]
            )
        }
        let unnamed = [call(1, session: nil), call(2, session: nil)]
        let named = [call(3, session: "s-1"), call(4, session: "s-2"), call(5, session: "s-1")]
        var random = SeededGenerator(seed: 5)
        var found: Set<[Call]> = []
        for _ in 0..<200 {
            var rest = (unnamed + named + unnamed.prefix(1)).shuffled(using: &random)[...]
            var batches: [OTLPBatch] = []
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...3, using: &random))
                rest = rest.dropFirst(piece.count)
                batches.append(try spans(Array(piece), resource: ["service.name": "app"]))
            }
            found.insert(try Self.calls(batches).sorted { $0.counts.uncachedInput < $1.counts.uncachedInput })
        }
        let calls = try #require(found.count == 1 ? found.first : nil)
        #expect(calls.map(\.sessionIsTrace) == [true, true, false, false, false])
        #expect(calls.dropFirst(2).map(\.session) == ["s-1", "s-2", "s-1"])
    }

    @Test func `a call in a trace with two users belongs to none of them, whatever came first`() throws {
        func call(_ span: UInt64, session: AttributeScalar?) -> Record {
            let input: AttributeScalar = .int(Int64(10 * span))
            return Record(
                span: span,
                session.map { ["gen_ai.usage.input_tokens": input, "session.id": $0] }
                    ?? ["gen_ai.usage.input_tokens": input]
            )
        }
        func user(_ name: String, span: UInt64) -> Record {
            Record(span: span, name: "step", ["user.id": .string(name)])
        }
        func apart(_ record: Record, trace: Int) -> Record {
            var record = record
            record.trace = "0000000000000000000000000000000\(trace)"
            return record
        }
        let records =
            [
                call(1, session: nil), call(2, session: "s-1"), apart(call(3, session: nil), trace: 1),
                apart(call(4, session: nil), trace: 2), apart(user("only", span: 10), trace: 1),
            ] + ["ann", "bob", "ann"].enumerated().map { user($1, span: UInt64($0) + 5) }
            + ["ann", "bob"].enumerated().map { apart(user($1, span: UInt64($0) + 5), trace: 2) }
        var random = SeededGenerator(seed: 5)
        var found: Set<[Call]> = []
        for _ in 0..<100 {
            var rest = (records + records.prefix(4)).shuffled(using: &random)[...]
            var batches: [OTLPBatch] = []
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...3, using: &random))
                rest = rest.dropFirst(piece.count)
                batches.append(try spans(Array(piece), resource: ["service.name": "app"]))
            }
            found.insert(try Self.calls(batches).sorted { $0.counts.uncachedInput < $1.counts.uncachedInput })
        }
        let calls = try #require(found.count == 1 ? found.first : nil)
        #expect(calls.map(\.user) == [nil, nil, "only", nil])
        let group = "app · 1970-01-01 (no session)"
        #expect(calls.map(\.session) == ["s-1", "s-1", group + " · only", group])
    }

    @Test func `a group has the users of its calls, also of one that a later span named`() throws {
        let root = Record(span: 1, name: "root", ["user.id": "ann"])
        let call = Record(span: 2, parent: 1, ["gen_ai.usage.input_tokens": 10])
        for batches in [[[root, call]], [[call, root]], [[call], [root]], [[root], [call]]] {
            #expect(try Self.calls(batches).map(\.session) == ["app · 1970-01-01 (no session) · ann"])
        }
    }

    @Test func `the id of a response under the name of a conversation is no session`() throws {
        let id: AttributeScalar = "resp_14d5370c9635580463afd607ff249cf3"
        #expect(try spanObservation(["gen_ai.conversation.id": id, "input_tokens": 1])?.sessionIsTrace == true)
        let other = try spanObservation(["gen_ai.conversation.id": id, "langfuse.session.id": "lf", "input_tokens": 1])
        #expect(other?.session == "lf")
        #expect(try processed(logs([Record(["gen_ai.conversation.id": id, "x": 1])])).sessions.isEmpty)
    }

    @Test(arguments: ["msg_01XFDUDYJgAACzvnptvVoYEL", "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "gen-17"])
    func `nor is the id of an Anthropic message, of a chat completion, or of the record's own answer`(id: String) throws
    {
        let found = try spanObservation([
            "gen_ai.conversation.id": .string(id), "gen_ai.response.id": .string(id), "input_tokens": 1,
        ])
        #expect(found?.sessionIsTrace == true)
        let other = try spanObservation([
            "gen_ai.conversation.id": "gen-18", "gen_ai.response.id": .string(id), "input_tokens": 1,
        ])
        #expect(other?.session == "gen-18")
    }

    @Test(arguments: orders)
    func `session and user of a trace are lent to its log records, too`(spansFirst: Bool) throws {
        var event = Record(["gen_ai.usage.input_tokens": 10, "gen_ai.system": "openai"])
        event.trace = Self.agent.trace
        let batches = try [logs([event]), spans([Self.agent])]
        let calls = try Self.calls(spansFirst ? batches.reversed() : batches)
        #expect(calls.map(\.session) == ["agno-1"])
        #expect(calls.map(\.user) == ["u-3"])
    }

    @Test(arguments: orders, [0, 1])
    func `a user that a later span names is lent to a call with a session, also to one without a parent`(
        callFirst: Bool,
        parent: UInt64
    ) throws {
        let call = Record(span: 2, parent: parent, ["gen_ai.usage.input_tokens": 10, "session.id": "s-1"])
        let naming = Record(span: 3, parent: 1, name: "tool", ["session.id": "s-1"])
        let user = Record(span: 1, name: "root", ["user.id": "u-3"])
        let batches = try [call, naming, naming, naming, user].map { try spans([$0]) }
        let calls = try Self.calls(callFirst ? batches : batches.reversed())
        #expect(calls.map(\.session) == ["s-1"])
        #expect(calls.map(\.user) == ["u-3"])
    }

    @Test func `a call that is the root of its trace gets the session that a later span names`() throws {
        let call = Record(span: 2, ["gen_ai.usage.input_tokens": 10])
        let below = Record(span: 3, parent: 2, name: "tool", ["session.id": "s-1"])
        #expect(try Self.calls([[call], [below]]).map(\.session) == ["s-1"])
    }

    private static let orders = [true, false]

    /// The calls after these batches went through one processor.
    private static func calls(_ batches: [OTLPBatch]) throws -> [Call] {
        // Each pipeline has its own processor.
        let shared = SharedParts()
        let pipelines = try [Signal.logs: makeProcessor(shared: shared), .traces: makeProcessor(shared: shared)]
        var ledger = MemoryLedger()
        for otlp in batches {
            var batch = Batch(otlp, receivedAt: arrival)
            try pipelines[otlp.signal]?.process(&batch)
            try ledger.absorb(batch.observations)
        }
        return ledger.calls
    }

    @Test func `a thousand traces at once keep their names apart`() throws {
        let processor = try makeProcessor()
        func sessions(_ record: (Int) -> Record) throws -> [String?] {
            let records = (0..<1_000).map { number in
                var record = record(number)
                record.trace = "2" + String(repeating: "0", count: 27) + String(1_000 + number)
                return record
            }
            var batch = Batch(try spans(records), receivedAt: arrival)
            try processor.process(&batch)
            return batch.observations.map(\.session)
        }
        let named = try sessions { Record(span: 1, name: "root", ["session.id": .string("s-\($0)")]) }
        #expect(named.isEmpty)
        let lent = try sessions { _ in Record(span: 2, parent: 1, ["gen_ai.usage.input_tokens": 10]) }
        #expect(lent == (0..<1_000).map { "s-\($0)" })
    }

    @Test func `a trace that named its session after ten thousand others is no harm`() throws {
        let processor = try makeProcessor()
        for number in 0..<40 {
            let records = (0..<250).map { place in
                var record = Record(span: 2, parent: 1, ["gen_ai.usage.input_tokens": 10])
                record.trace = "1" + String(repeating: "0", count: 23) + String(10_000_000 + number * 250 + place)
                return record
            }
            var batch = Batch(try spans(records), receivedAt: arrival)
            try processor.process(&batch)
        }
        func late(_ trace: String) throws -> [Observation] {
            var agent = Self.agent
            agent.trace = trace
            var batch = Batch(try spans([agent]), receivedAt: arrival)
            try processor.process(&batch)
            return batch.observations
        }
        #expect(try late("1" + String(repeating: "0", count: 23) + "10000000").isEmpty)
        #expect(try late("1" + String(repeating: "0", count: 23) + "10009999").map(\.session) == ["agno-1"])
    }
}
