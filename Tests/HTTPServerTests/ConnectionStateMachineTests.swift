// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

/// The decisions of a connection, event by event, without a socket; times are in seconds after its creation.
struct ConnectionStateMachineTests {
    /// A connection that has just been opened.
    private func opened(_ limits: ListenerLimits = ListenerLimits(), memory: Int = 1 << 30) throws -> FakeConnection {
        let connection = try FakeConnection(limits, memory: memory)
        connection.open()
        #expect(connection.taken() == ["timer 10", "read"])
        return connection
    }

    // MARK: - One request after the other

    @Test func `a small request is handed over when it is whole, and its answer keeps the connection`() throws {
        let connection = try opened()
        connection.read(.post(3), .bytes(3), .end)
        #expect(connection.taken() == ["admit 1", "deliver 3", "end body", "handle", "read"])
        connection.answer(1, .text("ok"))
        #expect(connection.taken() == ["answer 200 whole", "release", "flush", "read"])
        // The second request sets no timer: the first one is still set, and checks when it fires.
        connection.read(.post(3), .bytes(3), .end)
        connection.answer(2)
        #expect(connection.taken().filter { $0.hasPrefix("timer") } == [])
        #expect(connection.breaches == [])
    }

    @Test func `an answer in the call that read the request is flushed once, with the end of the read`() throws {
        let connection = try opened()
        connection.answersAtOnce = .text("ok")
        connection.read(.post(1), .bytes(1), .end, .post(1), .bytes(1), .end)
        let one = ["deliver 1", "end body", "handle", "answer 200 whole", "release"]
        #expect(connection.taken() == ["admit 1"] + one + ["admit 2"] + one + ["flush", "read"])
    }

    @Test func `requests that come before their turn wait for it`() throws {
        let connection = try opened()
        connection.read(.get(), .end, .post(2), .bytes(2), .end, .get(), .end)
        #expect(connection.taken() == ["admit 1", "end body", "handle"])
        connection.answer(2)
        #expect(connection.taken() == [], "it was not its turn")
        connection.answer(1)
        #expect(
            connection.taken() == [
                "answer 200 whole", "release", "admit 2", "deliver 2", "end body", "handle", "flush",
            ]
        )
        connection.answer(1)
        #expect(connection.taken() == [], "it has its answer")
        connection.answer(2)
        #expect(
            connection.taken() == ["answer 200 whole", "release", "admit 3", "end body", "handle", "flush", "read"]
        )
        connection.answer(3)
        #expect(connection.fates.values.allSatisfy { $0.answers == 1 })
        #expect(connection.breaches == [])
    }

    @Test func `no requests are read from a client that does not read its answers, and it is cut off`() throws {
        let connection = try opened()
        connection.read(.get(), .end, .get(), .end)
        connection.event { $0.writabilityChanged(false) }
        _ = connection.taken()
        connection.answer(1)
        #expect(connection.taken() == ["answer 200 whole", "release", "flush"])
        connection.event { $0.writabilityChanged(true) }
        #expect(connection.taken() == ["admit 2", "end body", "handle", "read"])
        connection.event { $0.writabilityChanged(false) }
        connection.answer(2)
        _ = connection.taken()
        while !connection.isClosed { connection.wait(.seconds(100)) }
        #expect(connection.taken().last == "close")
    }

    @Test func `of too many requests at once the first are answered`() throws {
        let connection = try opened()
        connection.read((0..<1_000).flatMap { _ in [.get(), .end] })
        for number in 1...1_000 { connection.answer(number) }
        #expect((100..<200).contains(connection.fates.count))
        #expect(connection.fates.values.allSatisfy { $0.answers == 1 })
        #expect(connection.isOutputClosed)
        #expect(connection.breaches == [])
    }

    // MARK: - Bodies

    @Test func `a large body is handed over at once and read when its handler asks`() throws {
        let connection = try opened()
        connection.read(.post(900_000), .bytes(1_000))
        #expect(connection.taken() == ["admit 1", "deliver 1000", "handle"])
        connection.want(1, 10_000)
        #expect(connection.taken() == ["read"])
        connection.read(.bytes(9_000))
        #expect(connection.taken() == ["deliver 9000", "read"])
        connection.read(.bytes(9_000))
        #expect(connection.taken() == ["deliver 9000"])
        connection.answer(1)
        // Further input is discarded for a while, so that the client can read the answer.
        #expect(connection.taken() == ["answer 200 whole, close", "release", "flush", "close output"])
        connection.event { $0.outputClosed(at: connection.now) }
        connection.read(.bytes(9_000))
        #expect(connection.taken() == ["timer 2", "read", "read"])
        connection.wait(.seconds(2))
        #expect(connection.taken() == ["close"])
        #expect(connection.breaches == [])
    }

    @Test func `a client that waits for 100 Continue gets it once, when its body is wanted`() throws {
        let connection = try opened()
        connection.read(.post(2, ["Expect": "100-continue"]))
        #expect(connection.taken() == ["admit 1", "handle"])
        connection.want(1)
        #expect(connection.taken() == ["continue", "read"])
        connection.want(1)
        connection.read(.bytes(2), .end)
        connection.answer(1)
        #expect(!connection.taken().contains("continue"))
        connection.read(.post(2, ["Expect": "100-continue"]))
        connection.answer(2, .pieces())
        connection.want(2)
        #expect(!connection.taken().contains("continue"), "its answer has begun")
        #expect(connection.breaches == [])
    }

    @Test func `a request that is rejected is answered without its body`() throws {
        let connection = try opened()
        connection.read(.get(.foreign), .end)
        #expect(
            connection.taken() == ["admit 1", "end body", "handle", "answer 403 whole", "release", "flush", "read"]
        )
        var fields = HTTPHeaders.foreign
        fields.add(name: "Expect", value: "100-continue")
        connection.read(.post(5, fields))
        #expect(
            connection.taken() == [
                "admit 2", "handle", "answer 403 whole, close", "release", "flush", "close output", "read",
            ]
        )
        connection.read(.bytes(5), .end)
        #expect(connection.taken() == ["read"])
        #expect(connection.breaches == [])
    }

    @Test func `nothing of a body is taken in after there was no memory for it`() throws {
        let connection = try opened(memory: 1_000)
        connection.read(.post(nil), .bytes(800), .bytes(300), .bytes(10), .end)
        #expect(
            connection.taken() == [
                "admit 1", "deliver 800", "deliver 300", "refuse 413", "release", "flush", "close output", "read",
            ]
        )
        #expect(connection.memory.usedBytes == 0)
        #expect(connection.breaches == [])
    }

    // MARK: - Answers

    @Test(arguments: [
        (HTTPMethod.GET, ServerResponse.text("body"), "answer 200 whole"),
        (.HEAD, .text("body"), "answer 200 none of 4"),
        (.GET, .text("body", .noContent), "answer 204 none"), (.HEAD, .text("body", .notModified), "answer 304 none"),
        (.GET, .pieces(), "answer 200 chunked"), (.HEAD, .pieces(), "answer 200 none"),
        (.GET, .pieces(status: .noContent), "answer 204 none"),
    ])
    func `an answer has a body only where it may`(method: HTTPMethod, response: ServerResponse, step: String) throws {
        let connection = try opened()
        connection.answersAtOnce = response
        connection.read(.get(method: method), .end)
        #expect(connection.taken().contains(step))
    }

    @Test(arguments: [
        (HTTPVersion.http1_1, HTTPHeaders(), "answer 200 whole"),
        (.http1_1, HTTPHeaders([("Connection", "close")]), "answer 200 whole, close"),
        (.http1_1, HTTPHeaders([("Upgrade", "h2c"), ("Connection", "upgrade")]), "answer 200 whole, close"),
        (.http1_0, HTTPHeaders(), "answer 200 whole, close"),
        (.http1_0, HTTPHeaders([("Connection", "keep-alive")]), "answer 200 whole, keep-alive"),
    ])
    func `a connection is kept as the client wants it`(version: HTTPVersion, fields: HTTPHeaders, step: String) throws {
        let connection = try opened()
        connection.answersAtOnce = .text("ok")
        connection.read(.get(fields, version: version), .end)
        #expect(connection.taken().contains(step))
        #expect(connection.isOutputClosed == step.hasSuffix("close"))
    }

    @Test func `an answer in pieces ends whole, or with the connection`() throws {
        for isWhole in [true, false] {
            let connection = try opened()
            connection.read(.get(), .end)
            connection.answer(1, .pieces())
            connection.piece(1, 5)
            _ = connection.taken()
            connection.piece(2, 5)
            #expect(connection.taken() == [])
            connection.endPieces(1, isWhole: isWhole)
            #expect(connection.taken() == (isWhole ? ["end answer", "release", "flush", "read"] : ["close"]))
            connection.piece(1, 5)
            connection.endPieces(1)
            #expect(connection.taken() == [])
            #expect(connection.breaches == [])
        }
    }

    @Test func `a client of HTTP 1.0 gets pieces until the connection ends`() throws {
        let connection = try opened()
        connection.read(.get(["Connection": "keep-alive"], version: .http1_0), .end)
        connection.answer(1, .pieces())
        connection.endPieces(1)
        let steps = connection.taken()
        #expect(steps.contains("answer 200 until close, close") && steps.last == "close output")
    }

    @Test func `a feed ends when its key is revoked`() throws {
        let connection = try opened()
        connection.read(.get(), .end)
        connection.answer(1, .pieces("text/event-stream"))
        #expect(connection.taken().contains("watch 1"))
        connection.event { $0.permissionEnded(7) }
        #expect(connection.taken() == [])
        connection.event { $0.permissionEnded(1) }
        #expect(connection.taken() == ["close"])
    }

    // MARK: - Time

    @Test func `a slow head and a slow body are 408, an idle connection ends without a word`() throws {
        let idle = try opened()
        idle.wait(.seconds(10))
        #expect(idle.taken() == ["flush", "timer 70", "close output"])
        let head = try opened()
        head.wait(.seconds(9))
        head.read()
        head.wait(.seconds(1))
        #expect(head.taken() == ["read", "timer 19"])
        head.wait(.seconds(9))
        #expect(head.taken() == ["refuse 408", "flush", "timer 79", "close output"])
        let body = try opened()
        body.read(.post(9), .bytes(4))
        body.wait(.seconds(10))
        body.wait(.seconds(30))
        #expect(body.taken().contains("refuse 408"))
        #expect(body.fates[1]?.answers == 1 && body.isOutputClosed)
    }

    @Test func `a body must come at the least rate, and only while it is waited for`() throws {
        var limits = ListenerLimits()
        (limits.bodyRate, limits.bodyGrace) = (1_000, .seconds(2))
        func refusal(handlerWaits: Bool) throws -> Bool {
            let connection = try opened(limits)
            connection.read(.post(900_000))
            for _ in 0..<20 {
                connection.want(1, 2_000)
                if !handlerWaits { connection.read(.bytes(2_000)) }
                connection.wait(.seconds(1))
                connection.wait(.seconds(1))
                if handlerWaits { connection.read(.bytes(500)) }
            }
            return connection.fates[1]?.answers == 1
        }
        #expect(try refusal(handlerWaits: true), "the client took its time")
        #expect(try !refusal(handlerWaits: false), "the handler took its time")
    }

    @Test func `the time that an answer takes is not the client's`() throws {
        let connection = try opened()
        connection.read(.post(9), .bytes(9), .end)
        for _ in 0..<100 { connection.wait(.seconds(100)) }
        connection.answer(1)
        #expect(connection.taken().contains("answer 200 whole"))
    }

    @Test func `without TLS being agreed on nothing can be said to the client`() throws {
        let connection = try FakeConnection(isEncrypted: true)
        connection.open()
        connection.wait(.seconds(10))
        #expect(connection.taken() == ["timer 10", "read", "close"])
        let agreed = try FakeConnection(isEncrypted: true)
        agreed.open()
        agreed.wait(.seconds(9))
        agreed.event { $0.encrypted(at: agreed.now) }
        agreed.wait(.seconds(1))
        #expect(!agreed.isClosed, "a client has as long again for its request")
        agreed.wait(.seconds(9))
        #expect(agreed.isOutputClosed)
    }

    @Test func `a connection that read its answer late has again as long for the next request, and no longer`() throws {
        let connection = try opened()
        connection.read(.get(), .end)
        connection.event { $0.writabilityChanged(false) }
        connection.answer(1)
        connection.wait(.seconds(5))
        connection.event { $0.writabilityChanged(true) }
        for _ in 0..<5 { connection.wait(.seconds(120)) }
        #expect(connection.isOutputClosed)
    }

    @Test func `a client that reads half of its last answer is cut off like one that reads nothing`() throws {
        let connection = try opened()
        connection.read(.get(["Connection": "close"]), .end)
        connection.event { $0.writabilityChanged(false) }
        connection.answer(1)
        connection.event { $0.writabilityChanged(true) }
        for _ in 0..<5 { connection.wait(.seconds(60)) }
        #expect(connection.isClosed)
    }

    // MARK: - The end

    @Test func `draining ends what is idle at once and the rest after its answer`() throws {
        let idle = try opened()
        idle.event { $0.drain(at: idle.now) }
        #expect(idle.taken().last == "close output")
        let busy = try opened()
        busy.read(.get(), .end, .get(), .end)
        _ = busy.taken()
        busy.event { $0.drain(at: busy.now) }
        #expect(busy.taken() == [])
        busy.answer(1)
        #expect(busy.taken() == ["answer 200 whole, close", "release", "flush", "timer 2", "close output"])
        #expect(busy.fates.count == 1)
        let feed = try opened()
        feed.read(.get(), .end)
        feed.answer(1, .pieces("application/x-ndjson"))
        _ = feed.taken()
        feed.event { $0.drain(at: feed.now) }
        #expect(feed.taken() == ["cancel pieces", "timer 2"])
        feed.wait(.seconds(2))
        #expect(feed.taken() == ["close"])
        let slow = try opened()
        slow.read(.post(9), .bytes(1))
        slow.event { $0.drain(at: slow.now) }
        slow.wait(.seconds(2))
        #expect(slow.taken().contains("refuse 408"))
    }

    @Test func `a listener that drains, or has too many connections, serves no new one`() throws {
        let draining = try FakeConnection()
        draining.open(.draining)
        #expect(draining.taken() == ["flush", "timer 2", "close output"])
        let refused = try FakeConnection()
        refused.open(.refused)
        #expect(refused.taken() == ["refuse 503", "flush", "timer 60", "close output"])
    }

    @Test func `a client that has sent everything gets its answers, and one that has not gets none`() throws {
        let whole = try opened()
        whole.read(.get(), .end, .get(), .end)
        whole.event { $0.inputClosed() }
        whole.answer(1)
        whole.answer(2)
        #expect(whole.fates.values.allSatisfy { $0.answers == 1 })
        #expect(whole.isOutputClosed)
        whole.event { $0.outputClosed(at: whole.now) }
        #expect(whole.isClosed, "there is nothing to throw away")
        let half = try opened()
        half.read(.post(9), .bytes(4))
        half.event { $0.inputClosed() }
        #expect(
            half.taken().suffix(4) == ["interrupt body", "release", "flush", "close output"] || half.isOutputClosed
        )
        #expect(half.fates[1]?.answers == 0)
        let handled = try opened()
        handled.read(.post(900_000), .bytes(4))
        handled.want(1, 9)
        handled.event { $0.inputClosed() }
        #expect(handled.taken().last == "interrupt body")
        handled.answer(1)
        #expect(handled.taken() == ["answer 200 whole, close", "release", "flush", "close output"])
    }

    @Test func `bytes that are no request are refused after the answers before them`() throws {
        let first = try opened()
        first.event { $0.parsingFailed(.invalidMethod) }
        #expect(first.taken() == ["refuse 400", "flush", "close output"])
        let second = try opened()
        second.read(.get(), .end)
        second.event { $0.parsingFailed(.headerOverflow) }
        #expect(!second.taken().contains { $0.hasPrefix("refuse") })
        second.answer(1)
        #expect(second.taken() == ["answer 200 whole", "release", "refuse 431", "flush", "close output", "read"])
        let body = try opened()
        body.read(.post(nil), .bytes(4))
        body.event { $0.parsingFailed(.invalidChunkSize) }
        body.answer(1, .text("cut", .badRequest))
        #expect(body.fates[1]?.answers == 1 && body.isOutputClosed)
        let early = try opened()
        early.read(.get(), .end, .post(5), .bytes(2))
        early.event { $0.parsingFailed(.invalidEOFState) }
        early.answer(1)
        #expect(early.fates[1]?.answers == 1 && early.fates[2]?.answers == 1 && early.isOutputClosed)
        for connection in [first, second, body, early] { #expect(connection.breaches == []) }
    }

    @Test func `HTTP 2 and a handshake that fails are counted and end the connection`() throws {
        let preface = try opened()
        preface.event { $0.parsingFailed(.paused) }
        #expect(preface.taken() == ["HTTP/2", "close"])
        let handshake = try FakeConnection(isEncrypted: true)
        handshake.event { $0.failed(inHandshake: true) }
        #expect(handshake.taken() == ["not encrypted", "close"])
        let reset = try opened()
        reset.read(.get(), .end)
        reset.event { $0.failed(inHandshake: false) }
        reset.end()
        reset.answer(1)
        #expect(reset.taken().suffix(4) == ["close", "interrupt body", "cancel pieces", "release"])
    }

    @Test func `a head without a single meaning ends the connection after the answers before it`() throws {
        let connection = try opened()
        connection.read(.get(), .end, .get(["Expect": "money"]), .end)
        connection.answer(1)
        #expect(
            connection.taken().suffix(6) == [
                "answer 200 whole", "release", "refuse 417", "flush", "close output", "read",
            ]
        )
        #expect(connection.fates.count == 1 && connection.breaches == [])
    }
}
