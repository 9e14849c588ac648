// SPDX-License-Identifier: Apache-2.0

public import Logging
public import OTLP
public import Usage

/// The settings that the collector passes to each component.
public struct ComponentSettings: Sendable {
    /// The component's id.
    public var id: ComponentID
    /// Logs with the component's id; messages are constant, variables are metadata.
    public var logger: Logger
    /// The component's own counters.
    public var counters: ComponentCounters
    /// The folder under which the program keeps its files (`$HAMMURABI_HOME`).
    public var home: String
    /// The memory that requests and queues share; nil without a limit.
    public var memory: (any MemoryPool)?
    /// Returns the present time.
    public var now: @Sendable () -> Timestamp
    /// The log of telemetry that was not collected.
    public var intake: IntakeLog
    /// Parts that the components of one id share.
    public var shared: SharedParts
    /// Returns a running store of the collector, for an exporter that follows one; nil when there is none of this id.
    public var store: @Sendable (_ id: ComponentID) -> (any UsageStore)? = { _ in nil }

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

/// The targets of a receiver: for each signal with a pipeline its consumer, and the stores that it ends in.
public struct SignalConsumers: Sendable {
    private let consumers: [Signal: any Consumer]
    private let identities: @Sendable (Signal) async -> Set<UInt64>
    private let description: @Sendable (_ session: String) async -> String?
    private let running: @Sendable (_ store: ComponentID) -> (any UsageStore)?
    private let naming: @Sendable (_ store: ComponentID) async throws -> SessionNamer?

    /// Creates the table.
    ///
    /// - Parameters:
    ///   - stores: Returns the identities of the stores of a signal's pipelines.
    ///   - session: Returns a description of a session.
    ///   - store: Returns a running store of the collector, for a connector.
    ///   - namer: Returns how the sessions of a store are called in answers.
    public init(
        _ consumers: [Signal: any Consumer],
        stores: @escaping @Sendable (Signal) async -> Set<UInt64> = { _ in [] },
        session: @escaping @Sendable (_ id: String) async -> String? = { _ in nil },
        store: @escaping @Sendable (_ id: ComponentID) -> (any UsageStore)? = { _ in nil },
        namer: @escaping @Sendable (_ store: ComponentID) async throws -> SessionNamer? = { _ in nil }
    ) {
        self.consumers = consumers
        identities = stores
        description = session
        running = store
        naming = namer
    }

    /// A running store of the collector; nil when there is none of this id.
    public func store(_ id: ComponentID) -> (any UsageStore)? { running(id) }

    /// How the people, teams and projects of a store are called in answers; nil when no extension names them.
    ///
    /// - Throws: The error of the store, when it cannot be read now.
    public func namer(for store: ComponentID) async throws -> SessionNamer? { try await naming(store) }

    /// The identities of the stores of a signal's pipelines, see ``Exporter/storeIdentity``; empty without a store.
    ///
    /// A receiver that remembers what it has sent compares them, and sends it again when there is another store.
    public func stores(behind signal: Signal) async -> Set<UInt64> { await identities(signal) }

    /// A session as a JSON document in the form of the API; nil when it is unknown.
    public func session(_ id: String) async -> String? { await description(id) }

    /// The consumer of this signal; nil when no pipeline takes it from this receiver.
    public subscript(signal: Signal) -> (any Consumer)? { consumers[signal] }
}
