// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
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

/// Makes the exporter that shows batches on the standard output.
public struct StdoutFactory: ExporterFactory {
    /// Takes all the bytes of one batch, or throws when they cannot be written now.
    public typealias Sink = @Sendable ([UInt8]) throws -> Void

    private let sink: Sink

    /// Creates the factory for the standard output.
    public init() {
        self.init(writingTo: { try FileDescriptorWriter.standardOutput.write($0) })
    }

    /// Creates a factory for another place; the sink is called for one batch after the other, never for two at once.
    public init(writingTo sink: @escaping Sink) {
        self.sink = sink
    }

    /// What a user writes.
    public typealias Config = StdoutConfig
    /// The type in a configuration.
    public let type = "stdout"
    /// What it is for.
    public let summary = "shows batches on the standard output, as text or as OTLP/JSON lines"

    /// Makes an exporter.
    public func makeExporter(_ config: StdoutConfig, _ settings: ComponentSettings) -> any Exporter {
        StdoutExporter(config, settings, sink: sink)
    }
}
