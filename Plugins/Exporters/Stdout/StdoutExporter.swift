// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Logging
import OTLP
import Synchronization

/// Shows batches on the standard output, one after the other.
///
/// Writing happens on a queue of its own: a terminal that is held up, or a pipe that nobody reads, must not block the threads
/// that all tasks share.
final class StdoutExporter: Exporter {
    private let config: StdoutConfig
    private let settings: ComponentSettings
    private let sink: StdoutFactory.Sink
    private let queue = DispatchQueue(label: "stdout")
    private let isRunning = Atomic(false)

    init(_ config: StdoutConfig, _ settings: ComponentSettings, sink: @escaping StdoutFactory.Sink) {
        self.config = config
        self.settings = settings
        self.sink = sink
    }

    func start() async throws(StartError) { isRunning.store(true, ordering: .releasing) }

    func shutdown() async {
        isRunning.store(false, ordering: .releasing)
        await withCheckedContinuation { continuation in queue.async { continuation.resume() } }
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        guard isRunning.load(ordering: .acquiring) else { throw .retryable("\(settings.id) is not running") }
        let bytes = render(batch)
        if let failure = await write(bytes) {
            settings.logger.warning("cannot write", metadata: ["reason": "\(failure)"])
            throw .retryable("\(settings.id) cannot write: \(failure)", after: 5)
        }
        settings.counters.add(batch.otlp.recordCount, to: .sent)
    }

    private func render(_ batch: Batch) -> [UInt8] {
        switch config.format {
        case .json: batch.otlp.recordCount == 0 ? [] : batch.otlp.json() + [UInt8(ascii: "\n")]
        case .text: BatchText(batch, config.verbosity).bytes
        }
    }

    private func write(_ bytes: [UInt8]) async -> (any Error)? {
        guard !bytes.isEmpty else { return nil }
        return await withCheckedContinuation { continuation in
            queue.async { [sink] in
                do {
                    try sink(bytes)
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
    }
}
