// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing

@testable import PluginProcesses

/// The protocol by its bytes, without a process.
struct PluginSessionTests {
    private static let hello = """
        {"protocol": [1, 3], "name": "team", "version": "0.1", "unknown": {"a": [1]}, "components": [
          {"kind": "processor", "type": "team", "signals": ["traces", "logs"], "max_in_flight": 2,
           "schema": {"type": "object", "properties": {"map": {"type": "string"}}}},
          {"kind": "receiver", "type": "mail"}]}
        """

    private static func frame(_ kind: PluginFrame.Kind, _ id: UInt64 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        PluginFrame(kind: kind, id: id, payload: payload).encoded
    }

    private static func frame(_ kind: PluginFrame.Kind, _ text: String) -> [UInt8] { frame(kind, 0, Array(text.utf8)) }

    private static func batch(_ payload: [UInt8]) -> [UInt8] { frame(.batch, 0, payload) }

    private static let ok: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]

    private static func terms(_ kind: ComponentKind = .processor, _ type: String = "team") -> PluginSession.Terms {
        var terms = PluginSession.Terms(
            kind: kind,
            type: type,
            id: "\(type)/a",
            configuration: #"{"map":"teams.csv"}"#,
            stateFolder: "/state"
        )
        terms.largestPayload = 1_000
        terms.credit = 2
        return terms
    }

    private static func running(_ kind: ComponentKind = .processor, _ type: String = "team") -> PluginSession {
        var session = PluginSession(terms(kind, type), at: .zero)
        _ = session.received(frame(.hello, hello), at: .zero)
        _ = session.received(frame(.opened), at: .zero)
        return session
    }

    private static func kinds(_ actions: [PluginSession.Action]) -> [PluginFrame.Kind] {
        actions.compactMap { action in
            guard case .send(let bytes) = action else { return nil }
            return PluginFrame.Kind(rawValue: bytes[4])
        }
    }

    private static func end(_ actions: [PluginSession.Action]) -> String? {
        for case .end(let reason?) in actions { return reason }
        return nil
    }

    // MARK: - Frames

    @Test func `a frame is sixteen bytes and its payload`() {
        let bytes = PluginFrame(kind: .batch, id: 0x0102, payload: [9, 8]).encoded
        #expect(bytes == [2, 0, 0, 0, 5, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 9, 8])
    }

    @Test func `frames come out whole wherever the stream is cut`() throws {
        let bytes = Self.frame(.ping, 7) + Self.frame(.result, 8, [1, 2, 3]) + Self.frame(.bye)
        for cut in 0...bytes.count {
            var reader = PluginFrameReader(largestPayload: 100)
            var frames: [PluginFrame] = []
            for part in [bytes[..<cut], bytes[cut...]] {
                reader.append(part)
                while let frame = try reader.next() { frames.append(frame) }
            }
            #expect(frames.map(\.kind) == [.ping, .result, .bye] && frames[1].payload == [1, 2, 3], "cut at \(cut)")
            #expect(!reader.isInsideFrame)
        }
    }

    @Test func `a frame that is too large is refused by its header`() {
        var reader = PluginFrameReader(largestPayload: 100)
        reader.append(Self.frame(.result, 1, [UInt8](repeating: 0, count: 101)).prefix(16))
        #expect(throws: PluginFault.self) { _ = try reader.next() }
    }

    @Test func `an unknown type is stepped over only when it says so`() throws {
        var reader = PluginFrameReader(largestPayload: 100)
        var unknown = Self.frame(.ping)
        unknown[4] = 200
        unknown[5] = PluginFrame.mayBeIgnored
        reader.append(unknown + Self.frame(.pong))
        let next = try reader.next()
        #expect(next?.kind == .pong)
        unknown[5] = 0
        reader.append(unknown)
        #expect(throws: PluginFault.self) { _ = try reader.next() }
    }

    // MARK: - Start

    @Test func `the configuration travels in OPEN, and batches go only after OPENED`() {
        var session = PluginSession(Self.terms(), at: .zero)
        #expect(session.submit(Self.batch([1]), at: .zero).id == nil)
        let actions = session.received(Self.frame(.hello, Self.hello), at: .zero)
        #expect(Self.kinds(actions) == [.open])
        guard case .send(let bytes)? = actions.first else { return }
        let text = String(decoding: bytes.dropFirst(16), as: UTF8.self)
        #expect(
            text.contains(#""config":{"map":"teams.csv"}"#) && text.contains(#""id":"team/a""#)
        )
        #expect(session.submit(Self.batch([1]), at: .zero).id == nil)
        #expect(session.received(Self.frame(.opened), at: .zero).count == 1)
        #expect(session.submit(Self.batch([1]), at: .zero).id == 1)
    }

    @Test(arguments: ["[2, 3]", "[-1, 0]"])
    func `a range of versions without one in common ends the run`(range: String) {
        var session = PluginSession(Self.terms(), at: .zero)
        let hello = Self.hello.replacing("[1, 3]", with: range)
        let reason = Self.end(session.received(Self.frame(.hello, hello), at: .zero))
        #expect(reason?.contains("speaks the protocol") == true)
    }

    @Test(arguments: [
        "", "{", "[]", "{}", #"{"protocol":[1,1],"name":"a","components":[]}"#,
        #"{"protocol":[1,1],"name":"a","components":[{"kind":"extension","type":"a"}]}"#,
        #"{"protocol":[1,1],"name":"a","components":[{"kind":"processor","type":"a/b"}]}"#,
        #"{"protocol":[1,1],"name":"a","components":[{"kind":"processor","type":"a","max_in_flight":0}]}"#,
        #"{"protocol":[1,1],"name":"a","components":[{"kind":"processor","type":"a","answers":"some"}]}"#,
        #"{"protocol":[1,1],"name":"a","components":[{"kind":"processor","type":"a","signals":["spans"]}]}"#,
        #"{"protocol":[3,1],"name":"a","components":[{"kind":"processor","type":"a"}]}"#,
    ])
    func `a HELLO that is no description ends the run`(text: String) {
        var session = PluginSession(Self.terms(), at: .zero)
        #expect(Self.end(session.received(Self.frame(.hello, text), at: .zero)) != nil)
        #expect(session.nextDeadline == nil)
    }

    @Test func `a configuration that is refused has its place`() {
        var session = PluginSession(Self.terms(), at: .zero)
        _ = session.received(Self.frame(.hello, Self.hello), at: .zero)
        let actions = session.received(Self.frame(.fault, #"{"path":"map","message":"no such file"}"#), at: .zero)
        #expect(actions == [.rejected(path: "map", message: "no such file"), .end("no such file")])
    }

    @Test func `silence at the start has an end`() {
        var session = PluginSession(Self.terms(), at: .zero)
        #expect(session.nextDeadline == .seconds(10))
        #expect(session.expire(at: .seconds(4)).isEmpty)
        #expect(Self.end(session.expire(at: .seconds(10)))?.contains("HELLO") == true)
    }

    // MARK: - Batches

    @Test func `as many batches are open as the plugin said, and each answer lets the next one go`() {
        var session = Self.running()
        #expect(Self.kinds(session.submit(Self.batch([1]), at: .zero).actions) == [.batch])
        #expect(Self.kinds(session.submit(Self.batch([2]), at: .zero).actions) == [.batch])
        let third = session.submit(Self.batch([3]), at: .zero)
        #expect(third.id == 3 && third.actions.isEmpty)
        let actions = session.received(Self.frame(.result, 2, Self.ok), at: .zero)
        #expect(actions.first == .answer(2, .ok(.none)))
        #expect(Self.kinds(actions) == [.batch])
    }

    @Test func `what waits is bounded by its bytes`() {
        var session = Self.running()
        for _ in 0..<3 { #expect(session.submit(Self.batch([UInt8](repeating: 0, count: 600)), at: .zero).id != nil) }
        #expect(session.submit(Self.batch([UInt8](repeating: 0, count: 600)), at: .zero).id == nil)
        #expect(session.submit(Self.batch([UInt8](repeating: 0, count: 1_001)), at: .zero).id == nil)
    }

    @Test func `a second answer is counted and changes nothing, an answer to no batch ends the run`() {
        var session = Self.running()
        _ = session.submit(Self.batch([1]), at: .zero)
        _ = session.received(Self.frame(.result, 1, Self.ok), at: .zero)
        #expect(session.received(Self.frame(.result, 1, Self.ok), at: .zero) == [.lateAnswer])
        #expect(Self.end(session.received(Self.frame(.result, 9, Self.ok), at: .zero)) != nil)
    }

    @Test func `a batch without an answer ends the run, and every open batch goes back`() {
        var session = Self.running()
        for _ in 0..<3 { _ = session.submit(Self.batch([1]), at: .zero) }
        let actions = session.expire(at: .seconds(30))
        #expect(Self.end(actions)?.contains("no answer") == true)
        let answered: [UInt64] = actions.compactMap { if case .answer(let id, .unanswered) = $0 { id } else { nil } }
        #expect(answered == [1, 2, 3])
    }

    @Test func `a crash within a frame says so and gives every batch back`() {
        var session = Self.running()
        _ = session.submit(Self.batch([1]), at: .zero)
        _ = session.received(Self.frame(.result, 1, Self.ok).prefix(20), at: .zero)
        let actions = session.closed()
        #expect(actions.count == 2 && Self.end(actions) == "the plugin ended within a frame")
        #expect(session.closed().isEmpty && session.received(Self.frame(.ping), at: .zero).isEmpty)
    }

    @Test func `a plugin in order is asked whether it lives only when it is idle`() {
        var session = Self.running()
        _ = session.submit(Self.batch([1]), at: .zero)
        #expect(session.expire(at: .seconds(20)).isEmpty)
        _ = session.received(Self.frame(.result, 1, Self.ok), at: .seconds(20))
        #expect(Self.kinds(session.expire(at: .seconds(30))) == [.ping])
        _ = session.received(Self.frame(.pong), at: .seconds(31))
        for time in [41, 51, 61] { #expect(Self.kinds(session.expire(at: .seconds(time))) == [.ping]) }
        #expect(Self.end(session.expire(at: .seconds(71)))?.contains("PING") == true)
    }

    @Test func `a drained plugin answers what it has and says BYE`() {
        var session = Self.running()
        for _ in 0..<3 { _ = session.submit(Self.batch([1]), at: .zero) }
        let actions = session.drain(at: .zero)
        #expect(Self.kinds(actions) == [.drain] && actions.count == 2)
        #expect(session.submit(Self.batch([1]), at: .zero).id == nil)
        _ = session.received(Self.frame(.result, 1, Self.ok) + Self.frame(.result, 2, Self.ok), at: .zero)
        #expect(session.received(Self.frame(.bye), at: .zero) == [.end(nil)])
    }

    // MARK: - Receivers

    @Test func `a receiver has credit, which an answer gives back`() {
        var session = Self.running(.receiver, "mail")
        let batch = Array(PluginBatch.frame(.logs, [[5]]).dropFirst(PluginFrame.headerSize))
        #expect(session.received(Self.frame(.emit, 1, batch), at: .zero) == [.emitted(1, .logs, [5])])
        _ = session.received(Self.frame(.emit, 2, batch), at: .zero)
        #expect(Self.kinds(session.acknowledge(1, .ok(.none))) == [.result])
        #expect(session.acknowledge(1, .ok(.none)).isEmpty)
        #expect(session.received(Self.frame(.emit, 3, batch), at: .zero).count == 1)
        #expect(Self.end(session.received(Self.frame(.emit, 4, batch), at: .zero))?.contains("credit") == true)
    }

    @Test func `a processor that emits ends the run`() {
        var session = Self.running()
        #expect(Self.end(session.received(Self.frame(.emit, 1, [3, 0, 0, 0]), at: .zero)) != nil)
    }
}

struct PluginAnswerTests {
    @Test func `outcomes are read from their bytes`() throws {
        #expect(try PluginAnswer(parsing: [1, 0, 0, 0, 0xE8, 3, 0, 0, 0x6E, 0x6F]) == .retry("no", after: .seconds(1)))
        #expect(try PluginAnswer(parsing: [2, 0, 0, 0, 0, 0, 0, 0, 0x78]) == .refused("x"))
        let partial: [UInt8] = [3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0x78]
        #expect(try PluginAnswer(parsing: partial) == .partial(records: [1, 4], "x"))
        #expect(try PluginAnswer(parsing: [0, 2, 0, 0, 0, 0, 0, 0, 7]) == .ok(.batch([7])))
        for answer in [PluginAnswer.retry("no", after: .seconds(2)), .refused("x"), .partial(records: [3], "y")] {
            #expect(try PluginAnswer(parsing: answer.payload) == answer)
        }
    }

    @Test func `a delta is a list of changes`() throws {
        let drop: [UInt8] = [1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
        let text: [UInt8] = [2, 2, 1, 0, 4, 0, 0, 0, 3, 0, 0, 0, 0x6B, 0x0A, 1, 0x76]
        let number: [UInt8] = [2, 0, 1, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0x6B, 0x18, 5]
        let unset: [UInt8] = [3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x6B]
        let answer = try PluginAnswer(parsing: [0, 1, 0, 0, 0, 0, 0, 0] + drop + text + number + unset)
        #expect(
            answer
                == .ok(
                    .delta([
                        PluginChange(record: 3, operation: .drop),
                        PluginChange(record: 4, operation: .set("k", "v", .resource)),
                        PluginChange(record: 4, operation: .set("k", 5, .record)),
                        PluginChange(record: 0, operation: .unset("k", .scope)),
                    ])
                )
        )
    }

    @Test func `every cut of a delta is a fault or a shorter delta, never a crash`() {
        let whole: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 4, 0, 0, 0, 3, 0, 0, 0, 0x6B, 0x0A, 1, 0x76]
        for length in 0..<whole.count where length != 8 {
            #expect(throws: PluginFault.self) { try PluginAnswer(parsing: Array(whole.prefix(length))) }
        }
        for (place, wrong) in [(8, 9), (9, 3), (10, 0), (21, 0x32), (22, 200)] as [(Int, UInt8)] {
            var bytes = whole
            bytes[place] = wrong
            #expect(throws: PluginFault.self, "byte \(place)") { try PluginAnswer(parsing: bytes) }
        }
        let huge: [UInt8] = [3, 0, 0, 0, 255, 255, 255, 255]
        #expect(throws: PluginFault.self) { try PluginAnswer(parsing: huge) }
    }
}

struct RestartPolicyTests {
    @Test func `waits double, five ends within a minute fail, and a minute of work is a new begin`() {
        var policy = RestartPolicy()
        var now = Duration.zero
        var waits: [Duration] = []
        for _ in 0..<5 {
            let wait = policy.ended(startedAt: now, at: now)
            waits.append(wait)
            now += wait
        }
        #expect(waits == [1, 2, 4, 8, 60].map { Duration.seconds($0) } && policy.hasFailed)
        #expect(policy.ended(startedAt: now, at: now) == .seconds(60) && policy.hasFailed)
        #expect(policy.ended(startedAt: now, at: now + .seconds(60)) == .seconds(1) && !policy.hasFailed)
        #expect(!policy.isStable(startedAt: .zero, at: .seconds(59)))
        #expect(policy.isStable(startedAt: .zero, at: .seconds(60)))
    }
}
