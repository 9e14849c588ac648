// SPDX-License-Identifier: Apache-2.0

public import Logging
public import OTLP
public import Usage

/// What the collector gives to each component.
public struct ComponentSettings: Sendable {
    /// The component's id.
    public var id: ComponentID
    /// Logs with the component's id; messages are constant, variables are metadata.
    public var logger: Logger
    /// The numbers the component keeps about itself.
    public var counters: ComponentCounters
    /// The folder under which the program keeps its files (`$HAMMURABI_HOME`).
    public var home: String
    /// The memory that requests and queues share; nil without a limit.
    public var memory: (any MemoryPool)?
    /// The present.
    public var now: @Sendable () -> Timestamp
    /// Where telemetry is noted that was not collected.
    public var intake: IntakeLog
    /// What the components of one id have in common.
    public var shared: SharedParts

    /// Creates settings.
    public init(
        id: ComponentID,
        logger: Logger,
        counters: ComponentCounters = ComponentCounters(),
        home: String,
        memory: (any MemoryPool)? = nil,
        now: @escaping @Sendable () -> Timestamp,
        intake: IntakeLog? = nil,
        shared: SharedParts = SharedParts()
    ) {
        self.id = id
        self.logger = logger
        self.counters = counters
        self.home = home
        self.memory = memory
        self.now = now
        self.intake = intake ?? IntakeLog(now: now)
        self.shared = shared
    }
}

/// What is behind a receiver: the pipelines it feeds, one for each signal that has any, and what is known where they end.
public struct SignalConsumers: Sendable {
    private let consumers: [Signal: any Consumer]
    private let identities: @Sendable (Signal) async -> Set<UInt64>
    private let description: @Sendable (_ session: String) async -> String?

    /// Creates the table.
    ///
    /// - Parameters:
    ///   - stores: The identities of the stores at the end of a signal's pipelines.
    ///   - session: What is known of a session.
    public init(
        _ consumers: [Signal: any Consumer],
        stores: @escaping @Sendable (Signal) async -> Set<UInt64> = { _ in [] },
        session: @escaping @Sendable (_ id: String) async -> String? = { _ in nil }
    ) {
        self.consumers = consumers
        identities = stores
        description = session
    }

    /// The stores at the end of a signal's pipelines, each by its ``Exporter/storeIdentity``; empty where nothing is kept.
    ///
    /// A receiver that remembers what it handed on compares them, and hands it on again when another store has come.
    public func stores(behind signal: Signal) async -> Set<UInt64> { await identities(signal) }

    /// What is known of a session, as a JSON document in the words of the API; nil when it is unknown.
    public func session(_ id: String) async -> String? { await description(id) }

    /// Where records of this signal go; nil when no pipeline takes them from this receiver.
    public subscript(signal: Signal) -> (any Consumer)? { consumers[signal] }
}
