// SPDX-License-Identifier: Apache-2.0

/// Something that lives in a collector from start to shutdown.
///
/// The contract, checked by `ComponentConformance` of `CollectorTesting`:
/// - Creating a component opens nothing: no file, no socket, no task.
/// - ``start()`` is called once and may fail; the collector then stops again what it has started.
/// - ``shutdown()`` works without a start, twice, and after a failed start; it returns when everything is flushed and closed.
public protocol Component: Sendable {
    /// Opens what the component needs.
    ///
    /// - Throws: ``StartError`` when the environment do not allow it.
    func start() async throws(StartError)
    /// Finishes what was begun and closes everything.
    func shutdown() async
}

extension Component {
    /// Opens nothing.
    public func start() async throws(StartError) {}
    /// Has nothing to close.
    public func shutdown() async {}
}

/// Takes telemetry in and hands it to pipelines.
///
/// Starts last and stops first. Answers its sender only after the pipeline has taken the batch.
public protocol Receiver: Component {}

/// Looks at batches or changes them, without waiting for anything.
public protocol Processor: Component {
    /// Works on a batch in place; may be called from many tasks at once.
    ///
    /// - Throws: ``ConsumeError`` when the batch must not go on.
    func process(_ batch: inout Batch) throws(ConsumeError)
}

/// Keeps batches or sends them on.
///
/// A batch is refused before the start and after the shutdown with a retryable error.
public protocol Exporter: Component, Consumer {}

extension Exporter {
    /// None: only a store has one.
    public var stores: Set<UInt64> { [] }
}

/// Serves beside the pipelines: an API, a check, credentials.
public protocol Extension: Component {}

/// Why a component cannot start: one sentence that says what to do, and the exit code that goes with it.
public struct StartError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do about it.
    public let description: String
    /// The kind of trouble.
    public let reason: Reason

    /// Creates an error.
    public init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    /// The kinds of trouble, each with an exit code of its own.
    public enum Reason: Sendable, Hashable {
        /// A file, disk or address cannot be used.
        case inputOutput
        /// The rights are missing.
        case permission
        /// Something the configuration names does not fit together.
        case configuration
    }
}
