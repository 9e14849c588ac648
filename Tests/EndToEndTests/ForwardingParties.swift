// SPDX-License-Identifier: Apache-2.0

import SinkServer
import Synchronization

/// Senders that repeat each record until it is accepted.
final class Clients: Sendable {
    private let address: String
    private let state = Mutex((sent: Set<String>(), acknowledged: Set<String>(), isStopped: false))

    init(address: String) { self.address = address + "/v1/logs" }

    var acknowledged: Set<String> { state.withLock { $0.acknowledged } }
    var sent: Set<String> { state.withLock { $0.sent } }

    func stop() { state.withLock { $0.isStopped = true } }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<4 { group.addTask { await self.run(client) } }
        }
    }

    private func run(_ client: Int) async {
        var number = 0
        while !state.withLock({ $0.isStopped }) {
            let texts = (0...number % 5).map {
                "c\(client)-\(number)-\($0):" + String(repeating: "\(number)", count: number % 17)
            }
            number += 1
            state.withLock { $0.sent.formUnion(texts) }
            if await post(logRequest(texts), to: address) == 200 {
                state.withLock { $0.acknowledged.formUnion(texts) }
            } else {
                try? await Task.sleep(for: .milliseconds(30))
            }
        }
    }
}

/// A destination that accepts, delays, refuses, resets and stalls.
final class MoodySink: Sendable {
    private let state = Mutex(State())

    private struct State {
        var counts: [String: Int] = [:]
        var requests = 0
        var lostAnswers = 0
        var isCalm = false
    }

    func calm() { state.withLock { $0.isCalm = true } }

    /// How many records came more than once, without the first time.
    var duplicates: Int { state.withLock { $0.counts.values.reduce(0) { $0 + $1 - 1 } } }
    /// How many accepted requests got no answer.
    var lostAnswers: Int { state.withLock { $0.lostAnswers } }

    func missing(from texts: Set<String>) -> Set<String> { state.withLock { texts.subtracting($0.counts.keys) } }

    func unknownTypes(to texts: Set<String>) -> [String] {
        state.withLock { $0.counts.keys.filter { !texts.contains($0) } }
    }

    func answer(_ request: SinkServer.Request) -> SinkServer.Reply {
        guard let texts = try? request.texts() else { return SinkServer.Reply(400) }
        return state.withLock { state in
            state.requests += 1
            func take() { for text in texts { state.counts[text, default: 0] += 1 } }
            switch state.isCalm ? 0 : state.requests % 20 {
            case 3: return SinkServer.Reply(429, [("Retry-After", "1")])
            case 6, 12: return SinkServer.Reply(503)
            case 9: return SinkServer.Reply(500)
            case 14: return .reset
            case 17:
                take()
                state.lostAnswers += 1
                return .reset
            case 19:
                take()
                return SinkServer.Reply(200, delay: .milliseconds(700))
            default:
                take()
                return SinkServer.Reply(200)
            }
        }
    }
}
