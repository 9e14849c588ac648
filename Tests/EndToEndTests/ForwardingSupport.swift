// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import FoundationNetworking
import Glibc
import OTLP
import SinkServer
import Synchronization
import Testing

/// A port that is free now and that the kernel does not assign automatically.
///
/// The kernel assigns ports from 32768 on to connections and to listeners without a configured port, which other tests open at the
/// same time.
func freePort() throws -> Int {
    for _ in 0..<1_000 {
        let port = UInt16.random(in: 10_000..<32_000)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        let isBound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isBound { return Int(port) }
    }
    throw CocoaError(.fileWriteUnknown)
}

/// A forwarding collector with its sandbox and its port.
struct Forwarder: Sendable {
    let sandbox: Sandbox
    let port: Int

    /// - Parameter exporter: More keys of `otlp_http`, as the members of a YAML mapping.
    init(to target: String, port: Int? = nil, exporter: String, processors: String = "") throws {
        sandbox = try Sandbox()
        self.port = try port ?? freePort()
        let names = processors.split(separator: ",").map { "\($0.trimmingCharacters(in: .whitespaces)): " }
        try sandbox.write(
            """
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:\(self.port)" } } } }
            processors: { \(names.joined(separator: ", ")) }
            exporters: { otlp_http: { endpoint: "\(target)", \(exporter) } }
            service:
              pipelines:
                traces: { receivers: [otlp], processors: [\(processors)], exporters: [otlp_http] }
                logs: { receivers: [otlp], processors: [\(processors)], exporters: [otlp_http] }
                metrics: { receivers: [otlp], processors: [\(processors)], exporters: [otlp_http] }
            """,
            to: "config.yaml"
        )
    }

    var address: String { "http://127.0.0.1:\(port)" }
}

/// Posts a body; returns the status, or nil without an answer.
func post(_ body: [UInt8], to address: String, type: String = "application/x-protobuf") async -> Int? {
    guard let url = URL(string: address) else { return nil }
    var request = URLRequest(url: url)
    request.httpMethod = "POST"
    request.httpBody = Data(body)
    request.timeoutInterval = 120
    request.setValue(type, forHTTPHeaderField: "Content-Type")
    guard let (_, response) = try? await URLSession.shared.data(for: request) else { return nil }
    return (response as? HTTPURLResponse)?.statusCode
}

/// A request with a log record for each text.
func logRequest(_ texts: [String]) -> [UInt8] {
    let records = texts.map { #"{"timeUnixNano":"1795334400000000000","body":{"stringValue":"\#($0)"}}"# }
    let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(records.joined(separator: ","))]}]}]}"#
    return (try? OTLPBatch(signal: .logs, json: Array(json.utf8)).bytes) ?? []
}

extension SinkServer.Request {
    /// The texts of its log records.
    func texts() throws -> [String] {
        let bytes = fields["content-encoding"] == "gzip" ? try Gzip.inflate(body, limit: 1 << 28) : body
        let batch = try OTLPBatch(signal: .logs, protobuf: bytes)
        return batch.records.map { batch.text(of: $0.body) }
    }
}
