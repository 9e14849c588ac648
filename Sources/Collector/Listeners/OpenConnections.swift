// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The connections of one listener, from their first byte to the drain.
final class OpenConnections: Sendable {
    /// Whether a new connection is served.
    enum AccessPolicy {
        case served
        /// There are as many as are allowed.
        case refused
        /// The listener is closing.
        case draining
    }

    /// A connection and the only place where it may be touched.
    private struct Member {
        let connection: NIOLoopBound<ConnectionHandler>
        let eventLoop: any EventLoop

        func perform(_ work: @escaping @Sendable (ConnectionHandler) -> Void) {
            eventLoop.execute { work(connection.value) }
        }
    }

    private struct State {
        var members: [ObjectIdentifier: Member] = [:]
        var isDraining = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Enters a connection; every connection also leaves.
    func enter(_ connection: ConnectionHandler, on eventLoop: any EventLoop) -> AccessPolicy {
        let member = Member(connection: NIOLoopBound(connection, eventLoop: eventLoop), eventLoop: eventLoop)
        return state.withLock { state in
            if state.members.count >= limit { return .refused }
            state.members[ObjectIdentifier(connection)] = member
            return state.isDraining ? .draining : .served
        }
    }

    func leave(_ connection: ConnectionHandler) {
        let waiting = state.withLock { state in
            state.members[ObjectIdentifier(connection)] = nil
            guard state.members.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Lets every connection answer what it has begun, and returns when all are closed.
    func drain() async {
        let members = state.withLock { state in
            state.isDraining = true
            return Array(state.members.values)
        }
        for member in members { member.perform { $0.drain() } }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.members.isEmpty { state.waiting.append(continuation) }
                return state.members.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// Closes every connection at once, whatever it is at.
    func cutOff() {
        for member in state.withLock({ Array($0.members.values) }) { member.perform { $0.cutOff() } }
    }
}
