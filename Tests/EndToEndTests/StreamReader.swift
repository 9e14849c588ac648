// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Synchronization
import Testing

/// Reads an endless answer.
final class StreamReader: NSObject, URLSessionDataDelegate {
    private let state = Mutex(State())

    private struct State {
        var text = ""
        var hasBegun = false
        var hasEnded = false
    }

    /// - Parameter key: The API key to send; nil for none.
    init(_ address: String, key: String? = nil) throws {
        super.init()
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        var request = URLRequest(url: try #require(URL(string: address)))
        request.setValue(key, forHTTPHeaderField: "X-Hammurabi-Api-Key")
        session.dataTask(with: request).resume()
    }

    func urlSession(
        _ session: URLSession,
        dataTask: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        state.withLock { $0.hasBegun = (response as? HTTPURLResponse)?.statusCode == 200 }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        state.withLock { $0.text += String(decoding: data, as: UTF8.self) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        state.withLock { $0.hasEnded = true }
        session.finishTasksAndInvalidate()
    }

    /// Whether the answer has ended.
    var isOver: Bool { state.withLock(\.hasEnded) }

    /// Returns when an answer with status 200 has begun.
    func waitForStart() async throws { try await wait(\.hasBegun) }

    /// The text received so far.
    var received: String { state.withLock(\.text) }

    /// Returns when a text has arrived.
    func waitFor(_ text: String) async throws { try await wait { $0.text.contains(text) } }

    /// Returns when the answer has ended.
    func waitForEnd() async throws { try await wait(\.hasEnded) }

    private func wait(_ isDone: (State) -> Bool) async throws {
        for _ in 0..<6_000 {
            if state.withLock({ isDone($0) }) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("never came: \(state.withLock { $0.text }.suffix(500))")
    }
}
