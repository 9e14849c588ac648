// SPDX-License-Identifier: Apache-2.0

/// A part of a collector with a start and a shutdown.
///
/// The contract, checked by `ComponentConformance` of `CollectorTesting`:
/// - Creating a component opens nothing: no file, no socket, no task.
/// - ``start()`` is called once and may fail; the collector then stops the components it has started.
/// - ``shutdown()`` works without a start, twice, and after a failed start; it returns when everything is flushed and closed.
///
/// The host does what is the same for all components: it passes batches to a component only while it runs, and counts the records
/// that each received, took, refused and dropped. A component counts only what it alone knows (``ComponentCounters/Field``).
public protocol Component: Sendable {
    /// Opens the resources of the component.
    ///
    /// - Throws: ``StartError`` when the environment does not allow it.
    func start() async throws(StartError)
    /// Finishes work in progress and closes everything.
    func shutdown() async
    /// The component that answers its HTTP requests; itself when it is ``HTTPServing``.
    var httpServing: (any HTTPServing)? { get }
    /// The component that reports its health; itself when it is ``HealthReporting``.
    var healthReporting: (any HealthReporting)? { get }
    /// The component with its queue; itself when it is ``Queueing``.
    var queueing: (any Queueing)? { get }
}

/// A component reports abilities beyond its kind by its own members: nil by default, itself when it conforms to the protocol of the
/// ability. So the host needs no casts, and an ability cannot be forgotten.
extension Component {
    /// Opens nothing.
    public func start() async throws(StartError) {}
    /// Does nothing.
    public func shutdown() async {}
    /// Nil: answers no requests.
    public var httpServing: (any HTTPServing)? { nil }
    /// Nil: reports no health.
    public var healthReporting: (any HealthReporting)? { nil }
    /// Nil: has no queue.
    public var queueing: (any Queueing)? { nil }
}

/// Receives telemetry and passes it to pipelines.
///
/// It starts last and stops first, and answers its sender only after the pipeline has taken the batch. Batches that it passes on after
/// its shutdown are refused with a retryable error.
public protocol Receiver: Component {
    /// The component that reads session files of agents; itself when it is a ``SessionScanner``.
    var sessionScanner: (any SessionScanner)? { get }
}

extension Receiver {
    /// Nil: reads no session files.
    public var sessionScanner: (any SessionScanner)? { nil }
}

extension Receiver where Self: SessionScanner {
    /// Itself.
    public var sessionScanner: (any SessionScanner)? { self }
}

/// Examines or changes batches, without waiting for anything.
public protocol Processor: Component {
    /// Processes a batch in place; may be called from many tasks at once.
    ///
    /// - Throws: ``ConsumeError`` when the batch must not continue.
    func process(_ batch: inout Batch) throws(ConsumeError)
    /// What works on batches in its place and may wait; itself when it is ``WaitingProcessor``.
    var waitingProcessor: (any WaitingProcessor)? { get }
    /// What has a price table; itself when it is ``PriceTableHolding``.
    var priceTableHolding: (any PriceTableHolding)? { get }
}

extension Processor {
    /// Waits for nothing.
    public var waitingProcessor: (any WaitingProcessor)? { nil }
    /// Has no price table.
    public var priceTableHolding: (any PriceTableHolding)? { nil }
}

extension Processor where Self: PriceTableHolding {
    /// Itself.
    public var priceTableHolding: (any PriceTableHolding)? { self }
}

/// A processor that has to wait, such as one in another process; the host calls ``processed(_:)`` in the place of
/// ``Processor/process(_:)``.
public protocol WaitingProcessor: Processor {
    /// Returns the batch as it goes on; may be called from many tasks at once.
    ///
    /// - Throws: ``ConsumeError`` when the batch must not go on.
    func processed(_ batch: Batch) async throws(ConsumeError) -> Batch
}

extension Processor where Self: WaitingProcessor {
    /// Itself.
    public var waitingProcessor: (any WaitingProcessor)? { self }
    /// Refuses: who cannot wait cannot use it.
    public func process(_ batch: inout Batch) throws(ConsumeError) {
        throw .retryable("this processor has to wait for its answers")
    }
}

/// Keeps batches or sends them on.
///
/// It receives batches only between the start and the shutdown: the host refuses others with a retryable error. The host waits some
/// seconds for batches in flight before it calls the shutdown, which must end those that remain.
public protocol Exporter: Component {
    /// Takes a batch; a return means that it is on the disk, or at its destination.
    ///
    /// May be called from many tasks at once.
    /// - Throws: ``ConsumeError``; then nothing of the batch counts as taken, and the same batch may come again.
    func consume(_ batch: Batch) async throws(ConsumeError)
    /// Takes a batch as ``consume(_:)`` does, and returns its delivery; only a store has data for it.
    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery
    /// Takes in a batch of a copy of another store (``StoreCopy``); a return means that the store itself has it, not a queue in front of it.
    func adopt(_ batch: Batch) async throws(ConsumeError)
    /// The random number of a store from its creation, which identifies it: a store that was deleted and created again has another one.
    ///
    /// Nil before the start, and for an exporter that is not a store.
    var storeIdentity: UInt64? { get }
    /// The store that answers queries; itself when it is a ``UsageStore``.
    var usageStore: (any UsageStore)? { get }
}

extension Exporter {
    /// Calls ``consume(_:)`` and returns an empty delivery.
    public func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        try await consume(batch)
        return .unkept
    }

    /// Calls ``deliver(_:)``.
    public func adopt(_ batch: Batch) async throws(ConsumeError) { _ = try await deliver(batch) }

    /// Nil: only a store has one.
    public var storeIdentity: UInt64? { nil }
    /// Nil: answers no queries.
    public var usageStore: (any UsageStore)? { nil }
}

extension Exporter where Self: UsageStore {
    /// Itself.
    public var usageStore: (any UsageStore)? { self }
}

/// A service next to the pipelines: an API, a health check, credentials.
public protocol Extension: Component {
    /// The component that checks keys; itself when it is an ``Authenticator``.
    var authenticator: (any Authenticator)? { get }
    /// The component that describes sessions; itself when it is ``SessionDescribing``.
    var sessionDescribing: (any SessionDescribing)? { get }
    /// The component that names people, teams and projects; itself when it is ``SessionNaming``.
    var sessionNaming: (any SessionNaming)? { get }
}

extension Extension {
    /// Nil: checks no keys.
    public var authenticator: (any Authenticator)? { nil }
    /// Nil: describes no sessions.
    public var sessionDescribing: (any SessionDescribing)? { nil }
    /// Nil: names none.
    public var sessionNaming: (any SessionNaming)? { nil }
}

/// Why a component cannot start: one sentence with the next step, and the exit code.
public struct StartError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to do about it.
    public let description: String
    /// The kind of error.
    public let reason: Reason

    /// Creates an error.
    public init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    /// The kinds of errors, each with its own exit code.
    public enum Reason: Sendable, Hashable {
        /// A file, disk or address cannot be used.
        case inputOutput
        /// Permissions are missing.
        case permission
        /// The configuration is inconsistent.
        case configuration
    }
}
