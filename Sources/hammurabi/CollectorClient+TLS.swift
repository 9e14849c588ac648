// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

extension CollectorClient {
    /// Who must vouch for a collector that speaks TLS.
    enum Trust {
        /// The authorities that this machine trusts.
        case authorities
        /// Nobody: it is the listener of this machine's own configuration, so what is sent never leaves the machine.
        case ownListener
    }

    /// Sends a request over TLS.
    func sendEncrypted(
        _ method: String,
        _ path: String,
        body: String,
        key: String?,
        seconds: Int,
        trusting trust: Trust
    ) -> Answer? {
        var tls = TLSConfiguration.makeClientConfiguration()
        if case .ownListener = trust { tls.certificateVerification = .none }
        let configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        defer { try? client.syncShutdown() }
        var headers = HTTPHeaders([("Content-Type", "application/json")])
        if let key = shownKey(key) { headers.add(name: "X-Hammurabi-Api-Key", value: key) }
        guard
            let request = try? HTTPClient.Request(
                url: "https://\(endpoint)\(path)",
                method: HTTPMethod(rawValue: method),
                headers: headers,
                body: .string(body)
            )
        else { return nil }
        let deadline = seconds > 0 ? NIODeadline.now() + .seconds(Int64(seconds)) : nil
        guard let answer = try? client.execute(request: request, deadline: deadline).wait() else { return nil }
        return Answer(status: Int(answer.status.code), body: answer.body.map { String(buffer: $0) } ?? "")
    }
}
