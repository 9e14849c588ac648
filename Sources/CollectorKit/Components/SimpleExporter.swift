// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// An exporter made of one function, which is created at the start and released at the shutdown.
///
/// The host passes batches only between the start and the shutdown, waits for those in flight, and counts what was sent.
///
/// ```swift
/// static let count = exporter("count", CountConfig.self, summary: "writes the number of records of each batch") { config, settings in
///     SimpleExporter(settings) {
///         let counts = try CountFile(config.path.path)
///         return { batch in try counts.append(batch.otlp.recordCount) }
///     }
/// }
/// ```
///
/// Safe to use from many tasks; the function that `open` returns must be, too.
public final class SimpleExporter: Exporter {
    /// Takes a batch and returns when it is stored.
    ///
    /// A ``ConsumeError`` is passed to the sender; any other error becomes a retryable one.
    public typealias Export = @Sendable (Batch) async throws -> Void

    private let settings: ComponentSettings
    private let open: @Sendable () async throws -> Export
    private let export = Mutex<Export?>(nil)

    /// Creates an exporter; opens nothing.
    ///
    /// - Parameter open: Opens what is needed and returns the function that takes batches; called at the start. A ``StartError`` is
    ///   passed on, any other error becomes a start error of input and output.
    public init(_ settings: ComponentSettings, open: @escaping @Sendable () async throws -> Export) {
        self.settings = settings
        self.open = open
    }

    /// Opens what is needed.
    public func start() async throws(StartError) {
        do {
            let made = try await open()
            export.withLock { $0 = made }
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(.inputOutput, "\(settings.id): \(error)")
        }
    }

    /// Releases the function.
    public func shutdown() async { export.withLock { $0 = nil } }

    /// Passes a batch to the function.
    public func consume(_ batch: Batch) async throws(ConsumeError) {
        guard let export = export.withLock({ $0 }) else { throw .retryable("\(settings.id) is not running") }
        do {
            try await export(batch)
        } catch let error as ConsumeError {
            throw error
        } catch {
            throw .retryable("\(settings.id): \(error)")
        }
    }
}
