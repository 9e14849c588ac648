// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Onboarding
import Usage

/// Whether a collector accepts telemetry at an address, tested by sending a record.
enum EndpointCheck: Equatable {
    /// It accepted the record.
    case accepted
    /// It requires a key.
    case keyNeeded
    /// It does not know the key, or the key may not write.
    case keyRefused(String)
    /// There was no answer, with the reason.
    case noAnswer(String)
    /// Another program answers there.
    case noCollector(Int)

    /// The name of the record, which reports do not count.
    static let eventName = "hammurabi.onboard_validation"

    /// Sends one log record; waits at most ten seconds for an answer.
    static func run(_ endpoint: EndpointURL, key: String?, now: Timestamp) -> EndpointCheck {
        var client = CollectorClient(endpoint)
        if let key { client.key = key }
        let answer: CollectorClient.Answer
        do throws(CollectorClient.NoAnswer) {
            answer = try client.send("POST", endpoint.path + "/v1/logs", body: record(now), seconds: 10)
        } catch {
            return .noAnswer(CommandFailure(error, at: endpoint.description).message)
        }
        switch answer.status {
        case 200: return .accepted
        case 401: return key == nil ? .keyNeeded : .keyRefused("the key is unknown there")
        case 403: return .keyRefused("the key may not write telemetry (scope telemetry:write)")
        default: return .noCollector(answer.status)
        }
    }

    /// An OTLP request with a record that has only a name.
    static func record(_ now: Timestamp) -> String {
        """
        {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hammurabi-onboard"}}]},\
        "scopeLogs":[{"scope":{"name":"hammurabi.onboard","version":"\(Version.number)"},"logRecords":[\
        {"timeUnixNano":"\(now.nanoseconds)","observedTimeUnixNano":"\(now.nanoseconds)","severityNumber":9,\
        "body":{"stringValue":"\(eventName)"},\
        "attributes":[{"key":"event.name","value":{"stringValue":"\(eventName)"}}]}]}]}]}
        """
    }
}

extension EndpointURL {
    /// Whether it is on this machine.
    var isLoopback: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }
}

extension CollectorClient {
    /// A client for an address that agents send to: with TLS, this machine must trust its certificate, as the agents must.
    init(_ url: EndpointURL) {
        let endpoint = Endpoint(host: url.host, port: url.port)
        self.init(endpoint: endpoint, trust: url.scheme == "https" ? .authorities : nil)
    }
}
