// SPDX-License-Identifier: Apache-2.0

/// Something that lives in a collector from start to shutdown.
///
/// The contract, checked by `ComponentConformance` of `CollectorTesting`:
/// - Creating a component opens nothing: no file, no socket, no task.
/// - ``start()`` is called once and may fail; the collector then stops again what it has started.
/// - ``shutdown()`` works without a start, twice, and after a failed start; it returns when everything is flushed and closed.
///
/// The host does what is the same for all: it hands a component batches only while it runs, and counts the records that each was
/// given, took, refused and dropped. A component counts what it alone can know (``ComponentCounters/Field``).
public protocol Component: Sendable {
    /// Opens what the component needs.
    ///
    /// - Throws: ``StartError`` when the environment does not allow it.
    func start() async throws(StartError)
    /// Finishes what was begun and closes everything.
    func shutdown() async
    /// What answers HTTP requests for it; itself when it is ``HTTPServing``.
    var httpServing: (any HTTPServing)? { get }
    /// What knows whether it gets on; itself when it is ``HealthReporting``.
    var healthReporting: (any HealthReporting)? { get }
    /// What has a queue that can be looked at; itself when it is ``Queueing``.
    var queueing: (any Queueing)? { get }
}

/// What a component can do beyond its kind, it says by its own members: none by default, itself where it conforms to the protocol of
/// such an ability. So the host asks a component and not the run-time system, and an ability cannot be forgotten.
extension Component {
    /// Opens nothing.
    public func start() async throws(StartError) {}
    /// Has nothing to close.
    public func shutdown() async {}
    /// Answers no requests.
    public var httpServing: (any HTTPServing)? { nil }
    /// Does not know.
    public var healthReporting: (any HealthReporting)? { nil }
    /// Has no queue.
    public var queueing: (any Queueing)? { nil }
}

/// Takes telemetry in and hands it to pipelines.
///
/// Starts last and stops first. Answers its sender only after the pipeline has taken the batch. What it brings after its shutdown is
/// refused with a retryable error.
public protocol Receiver: Component {
    /// What reads the session files of agents; itself when it is a ``SessionScanner``.
    var sessionScanner: (any SessionScanner)? { get }
}

extension Receiver {
    /// Reads no session files.
    public var sessionScanner: (any SessionScanner)? { nil }
}

extension Receiver where Self: SessionScanner {
    /// Itself.
    public var sessionScanner: (any SessionScanner)? { self }
}

/// Looks at batches or changes them, without waiting for anything.
public protocol Processor: Component {
    /// Works on a batch in place; may be called from many tasks at once.
    ///
    /// - Throws: ``ConsumeError`` when the batch must not go on.
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
/// It is given batches only between the start and the shutdown: the host refuses others with a retryable error. At the shutdown what is
/// under way has ended, unless it took seconds; then the shutdown ends it.
public protocol Exporter: Component {
    /// Takes a batch; returning means that it is on the disk, or where it is sent to.
    ///
    /// May be called from many tasks at once.
    /// - Throws: ``ConsumeError``; nothing of the batch counts as taken then, and the same batch may come again.
    func consume(_ batch: Batch) async throws(ConsumeError)
    /// Takes a batch as ``consume(_:)`` does, and reports what became of it; only a store has something to report.
    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery
    /// The number that a store got when it was made, by which it is known again: one that was deleted comes back under another.
    ///
    /// Nil before the start, and of an exporter that is no store.
    var storeIdentity: UInt64? { get }
    /// What answers questions about what it keeps; itself when it is a ``UsageStore``.
    var usageStore: (any UsageStore)? { get }
}

extension Exporter {
    /// Takes it, and has nothing to report.
    public func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        try await consume(batch)
        return .unkept
    }

    /// None: only a store has one.
    public var storeIdentity: UInt64? { nil }
    /// Answers no questions.
    public var usageStore: (any UsageStore)? { nil }
}

extension Exporter where Self: UsageStore {
    /// Itself.
    public var usageStore: (any UsageStore)? { self }
}

/// Serves beside the pipelines: an API, a check, credentials.
public protocol Extension: Component {
    /// What knows the keys of senders; itself when it is an ``Authenticator``.
    var authenticator: (any Authenticator)? { get }
    /// What can say what is known of a session; itself when it is ``SessionDescribing``.
    var sessionDescribing: (any SessionDescribing)? { get }
}

extension Extension {
    /// Knows no keys.
    public var authenticator: (any Authenticator)? { nil }
    /// Knows no sessions.
    public var sessionDescribing: (any SessionDescribing)? { nil }
}

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
