// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Testing
import TokensProcessor
import Usage

/// No name of a record exceeds the limit, whatever sends it.
struct LongNamesTests {
    private static let long = String(repeating: "名", count: 400_000)

    /// The result of the processor for records, and what it reported.
    private func processed(_ otlp: OTLPBatch) throws -> (batch: Batch, problems: [IntakeProblem]) {
        let settings = ComponentSettings(
            id: try #require(ComponentID("tokens")),
            logger: Logger(label: "tokens") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { arrival }
        )
        let processor = try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings)
        var batch = Batch(otlp, receivedAt: arrival)
        try processor.process(&batch)
        return (batch, settings.intake.problems.filter { $0.code == .longName })
    }

    private static func texts(_ batch: Batch) -> [String] {
        let calls = batch.observations.flatMap { call in
            [
                call.session, call.agent, call.provider, call.model, call.user, call.project, call.machine, call.error,
                call.terms.serviceTier, call.terms.geography,
            ]
        }
        let sessions = batch.sessions.flatMap { session in
            [
                session.id, session.agent, session.user, session.project, session.machine, session.name?.value,
                session.branch?.value, session.agentVersion?.value, session.taskStatus?.value, session.parent,
            ]
        }
        return (calls + sessions).compactMap(\.self)
    }

    private static let names: Attributes = [
        "session.id": .string(long + "1"), "gen_ai.response.model": .string(long + "2"), "user.id": .string(long + "3"),
        "project.name": .string(long + "4"), "gen_ai.provider.name": .string(long + "5"),
        "gen_ai.agent.name": .string(long + "6"), "service_tier": .string(long + "7"),
        "inference_geo": .string(long + "8"), "error.message": .string(long + "9"), "error": .string(long + "a"),
        "gen_ai.usage.input_tokens": 10, "hammurabi.event.id": "e", "hammurabi.task": .string(long + "b"),
        "hammurabi.session.name": .string(long + "c"), "vcs.ref.head.name": .string(long + "d"),
        "app.version": .string(long + "e"), "hammurabi.session.parent": .string(long + "f"),
        "hammurabi.project.path": .string("/" + long),
    ]

    @Test(arguments: ["", "hammurabi.events", "hammurabi.agent_sessions"])
    func `names of log records are bounded whichever receiver they come from`(scope: String) throws {
        var call = Record(Self.names)
        call.name = scope == "hammurabi.agent_sessions" ? "hammurabi.transcript.call" : "call"
        var facts = Record(Self.names)
        facts.name = "hammurabi.session"
        let resource: Attributes = [
            "host.name": .string(Self.long), "service.name": .string(Self.long + "s"), "user.id": .string(Self.long),
        ]
        let (batch, problems) = try processed(logs([call, facts], resource: resource, scope: scope))
        #expect(!batch.observations.isEmpty && !batch.sessions.isEmpty)
        let texts = Self.texts(batch)
        #expect(texts.count > 8 && texts.allSatisfy { $0.utf8.count <= NameLimit.bytes })
        #expect(problems.contains { $0.subject == "session" } && problems.contains { $0.subject == "machine" })
        #expect(batch.observations.first?.session == NameLimit.bounded(Self.long + "1"))
        #expect(batch.sessions.first?.id == NameLimit.bounded(Self.long + "1"))
    }

    @Test func `names of spans are bounded, also those that a span lends and those of calls without a session`() throws
    {
        let lender = Record(span: 1, ["session.id": .string(Self.long), "user.id": .string(Self.long + "u")])
        let lent = Record(span: 2, parent: 1, ["gen_ai.usage.input_tokens": 10])
        let (batch, _) = try processed(spans([lender, lent]))
        #expect(batch.observations.map(\.session) == [NameLimit.bounded(Self.long)])
        #expect(batch.observations.map(\.user) == [NameLimit.bounded(Self.long + "u")])
        let resource: Attributes = ["service.name": .string(Self.long), "host.name": .string(Self.long + "h")]
        let alone = try processed(spans([Record(span: 3)], resource: resource)).batch
        let session = try #require(alone.observations.first?.session)
        #expect(alone.observations.first?.sessionIsTrace == true && session.utf8.count <= NameLimit.bytes)
    }

    @Test func `the name of a long path is its last part, and a short path is unchanged`() throws {
        let folder = "/" + String(repeating: "deep/", count: 300) + "api"
        let whole = String(repeating: "x", count: NameLimit.bytes)
        let record = Record([
            "session.id": .string(whole), "project.name": .string("https://example.com" + folder + ".git"),
            "gen_ai.usage.input_tokens": 10,
        ])
        let (batch, problems) = try processed(logs([record]))
        #expect(batch.observations.map(\.project) == ["api"])
        #expect(batch.observations.map(\.session) == [whole])
        #expect(problems.map(\.subject) == ["project"])
    }
}
