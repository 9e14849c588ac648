// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP

extension OTLPHTTPConfig {
    /// Refuses what cannot be sent to, waits that cannot be kept, and sizes that contradict each other.
    public func validate(_ findings: inout ConfigFindings) {
        validateAddresses(&findings)
        validateHeaders(&findings)
        validateRetry(&findings)
        validateQueue(&findings)
        validateBatching(&findings)
        if !tls.certFile.isEmpty != !tls.keyFile.isEmpty {
            findings.error(
                "tls",
                "a certificate and its key go together",
                at: ["tls"],
                help: "write cert_file and key_file"
            )
        }
        if tls.insecureSkipVerify {
            findings.warning(
                "tls",
                "whoever answers is taken for the destination and gets the headers",
                at: ["tls", "insecure_skip_verify"],
                help: "name the authority that vouches for it: ca_file"
            )
        }
        if !(1...9).contains(compressionParams.level) {
            findings.error(
                "out-of-range",
                "gzip has the levels 1 to 9",
                at: ["compression_params", "level"],
                help: "write 1"
            )
        }
        if !(1_000_000...3_600_000_000_000).contains(timeout.nanoseconds) {
            findings.error("out-of-range", "an attempt takes 1ms to 1h", at: ["timeout"], help: "write 30s")
        }
    }

    /// The folder of the queue, when it is named.
    public var resources: [ConfigResource] {
        guard !sendingQueue.directory.isEmpty, sendingQueue.isInFiles else { return [] }
        return [ConfigResource(.file(sendingQueue.directory.path), at: ["sending_queue", "directory"])]
    }

    private func validateAddresses(_ findings: inout ConfigFindings) {
        let addresses = [
            ("endpoint", endpoint), ("traces_endpoint", tracesEndpoint), ("logs_endpoint", logsEndpoint),
            ("metrics_endpoint", metricsEndpoint),
        ]
        if addresses.allSatisfy(\.1.isEmpty) {
            findings.error(
                "endpoint",
                "at least one endpoint must be specified",
                at: [],
                help: "write endpoint: http://127.0.0.1:4318, for example"
            )
        }
        for (key, address) in addresses where !address.isEmpty {
            if let fault = WebAddress.fault(in: address) {
                findings.error("endpoint", fault.message, at: [key], help: fault.help)
            }
        }
        if !proxyURL.isEmpty, WebAddress(proxyURL)?.scheme != "http" {
            findings.error("proxy", "a proxy has the form http://host:port", at: ["proxy_url"])
        }
    }

    private func validateHeaders(_ findings: inout ConfigFindings) {
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            let isToken =
                !name.isEmpty && name.utf8.allSatisfy { 33...126 ~= $0 && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
            if !isToken {
                findings.error("header", "\"\(name)\" is no name of a header field", at: ["headers"])
            } else if !value.value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) {
                findings.error("header", "the value has a line break or control character", at: ["headers", name])
            } else if ["content-type", "content-encoding", "content-length", "transfer-encoding"].contains(
                name.lowercased()
            ) {
                findings.error(
                    "header",
                    "\(name) follows from encoding and compression",
                    at: ["headers", name],
                    help: "remove it"
                )
            }
        }
    }

    private func validateRetry(_ findings: inout ConfigFindings) {
        let retry = retryOnFailure
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("out-of-range", message, at: ["retry_on_failure", key], help: help)
        }
        if retry.initialInterval.nanoseconds <= 0 {
            error("initial_interval", "there must be a wait", help: "write 5s")
        }
        if retry.maxInterval.nanoseconds < retry.initialInterval.nanoseconds {
            error("max_interval", "'max_interval' must not be less than 'initial_interval'")
        }
        if !(0...1).contains(retry.randomizationFactor) {
            error("randomization_factor", "'randomization_factor' must be within [0, 1]", help: "write 0.5")
        }
        if !(1...100).contains(retry.multiplier) {
            error("multiplier", "waits do not become shorter", help: "write 1.5")
        }
        let elapsed = retry.maxElapsedTime.nanoseconds
        if elapsed != 0, elapsed < max(retry.initialInterval.nanoseconds, retry.maxInterval.nanoseconds) {
            error("max_elapsed_time", "'max_elapsed_time' must not be less than 'initial_interval' or 'max_interval'")
        }
    }

    private func validateQueue(_ findings: inout ConfigFindings) {
        let queue = sendingQueue
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("sending-queue", message, at: ["sending_queue", key], help: help)
        }
        if !(1...1_000).contains(queue.numConsumers) { error("num_consumers", "there are 1 to 1000 consumers") }
        if queue.queueSize.number <= 0 { error("queue_size", "'queue_size' must be positive", help: "write 1GiB") }
        if queue.queueSize.hasUnit, [.requests, .items].contains(queue.sizer) {
            error(
                "queue_size",
                "a size in bytes does not count \(queue.sizer)",
                help: "write sizer: bytes, or a number"
            )
        }
        let storages = ["file", "memory"]
        if !storages.contains(queue.storage), !queue.storage.hasPrefix("file_storage") {
            error("storage", "a queue is kept in file or in memory", help: "write file")
        }
        if queue.enabled, queue.storage == "memory" {
            findings.warning(
                "weak-durability",
                "what waits is lost when the process ends, although it was acknowledged",
                at: ["sending_queue", "storage"],
                help: "write storage: file"
            )
        }
    }

    private func validateBatching(_ findings: inout ConfigFindings) {
        let batch = sendingQueue.batch
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("batch", message, at: ["sending_queue", "batch", key], help: help)
        }
        if ![.items, .bytes].contains(batch.sizer) {
            error("sizer", "requests are measured in items or bytes", help: "write items")
        }
        let isSameUnit = batch.maxSize.hasUnit == batch.minSize.hasUnit
        if batch.maxSize.number != 0, isSameUnit, batch.maxSize.number < batch.minSize.number,
            batch.minSize != Self.standardMinimum
        {
            error("max_size", "'max_size' must be greater than or equal to 'min_size'")
        }
    }

    private static let standardMinimum = Batching().minSize
}
