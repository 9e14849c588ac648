// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization

/// The time during which a component answers its requests.
///
/// It ends when the component is replaced; later requests are passed to the component's successor.
final class RouteLease: Sendable {
    /// Answers a request after the component was replaced.
    typealias Successor = @Sendable (ServerRequest) async throws -> ServerResponse

    private struct Handover {
        var successor: Successor?
        var waiting: [CheckedContinuation<Successor, Never>] = []
    }

    /// The requests in flight.
    let gate = Gate(isOpen: true)
    private let handover = Mutex(Handover())

    /// The route, with its requests counted.
    func counting(_ route: Route) -> Route {
        let handler = route.handler
        return route.answering { request in
            guard self.gate.enter() else { return try await self.successor()(request) }
            defer { self.gate.leave() }
            return try await handler(request)
        }
    }

    /// Ends the lease; later requests go to the successor.
    func end(with successor: @escaping Successor) {
        let waiting = handover.withLock { handover in
            defer { handover = Handover(successor: successor) }
            return handover.waiting
        }
        for continuation in waiting { continuation.resume(returning: successor) }
    }

    /// Continues the lease after a failed reload; requests that waited for a successor are passed back.
    func goOn(_ again: @escaping Successor) {
        gate.open()
        let waiting = handover.withLock { handover in
            defer { handover = Handover() }
            return handover.waiting
        }
        for continuation in waiting { continuation.resume(returning: again) }
    }

    private func successor() async -> Successor {
        await withCheckedContinuation { continuation in
            let successor = handover.withLock { handover in
                if handover.successor == nil { handover.waiting.append(continuation) }
                return handover.successor
            }
            if let successor { continuation.resume(returning: successor) }
        }
    }
}
