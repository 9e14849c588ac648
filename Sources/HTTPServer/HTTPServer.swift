// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import NIOCore
import NIOPosix

/// All open addresses of a collector.
package struct HTTPServer: Sendable {
    package private(set) var listeners: [OpenListener] = []

    package init(listeners: [OpenListener] = []) {
        self.listeners = listeners
    }

    /// Two threads serve every address: more of them do not make a collector faster, and each costs memory.
    ///
    /// They live as long as the process: a handler that outlasts the drain must still find its event loop.
    private static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: min(2, System.coreCount))

    /// Opens addresses, all or none.
    ///
    /// - Throws: ``StartError`` when one of them cannot be used.
    package static func open(_ listeners: [HTTPListener]) async throws(StartError) -> HTTPServer {
        var open: [OpenListener] = []
        do throws(StartError) {
            for listener in listeners { open.append(try await listener.open(on: eventLoops)) }
        } catch {
            await HTTPServer(listeners: open).cutOff()
            throw error
        }
        return HTTPServer(listeners: open)
    }

    /// Where requests are answered, in alphabetical order.
    package var addresses: [String] { listeners.map(\.url).sorted() }

    /// The open listener of an endpoint as configured.
    package func listener(at endpoint: Endpoint) -> OpenListener? { listeners.first { $0.endpoint == endpoint } }

    /// These addresses and others.
    package func joined(with other: HTTPServer) -> HTTPServer { HTTPServer(listeners: listeners + other.listeners) }

    /// Divides the addresses into those that stay and those that go.
    package func divided(keeping endpoints: Set<Endpoint>) -> (staying: HTTPServer, going: HTTPServer) {
        (
            HTTPServer(listeners: listeners.filter { endpoints.contains($0.endpoint) }),
            HTTPServer(listeners: listeners.filter { !endpoints.contains($0.endpoint) })
        )
    }

    /// Takes no more connections, answers what has begun, and returns when everything is closed.
    package func drain() async {
        await withTaskGroup { group in
            for listener in listeners { group.addTask { await listener.drain() } }
        }
    }

    /// Closes everything at once.
    package func cutOff() async {
        for listener in listeners { await listener.cutOff() }
    }
}
