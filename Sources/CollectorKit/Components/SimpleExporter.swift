// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// An exporter in one function: what it takes a batch with is made at the start and goes at the shutdown.
///
/// The host hands it batches between the start and the shutdown only, waits for those under way, and counts what was sent.
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
/// Safe to use from many tasks; so must be what `open` returns.
public final class SimpleExporter: Exporter {
    /// Takes a batch and returns when it is kept.
    ///
    /// A ``ConsumeError`` goes to the sender as it is; after any other error the sender is told to try again.
    public typealias Export = @Sendable (Batch) async throws -> Void

    private let settings: ComponentSettings
    private let open: @Sendable () async throws -> Export
    private let export = Mutex<Export?>(nil)

    /// Creates an exporter; opens nothing.
    ///
    /// - Parameter open: Opens what is needed and returns what takes batches; called at the start. A ``StartError`` ends the start as
    ///   it is, any other error as one of input and output.
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

    /// Releases what was opened.
    public func shutdown() async { export.withLock { $0 = nil } }

    /// Hands a batch over.
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
