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
    /// The memory that requests and queues share; nil where nobody bounds it.
    public var memory: (any MemoryPool)?
    /// The present.
    public var now: @Sendable () -> Timestamp
    /// Where telemetry is noted that was not collected.
    public var intake: IntakeLog
    /// What the components of one id have in common.
    public var shared: SharedParts
    /// What is known of a session, as a JSON document in the words of the API; nil when nobody knows it.
    public var describeSession: @Sendable (_ id: String) async -> String?

    /// Creates settings.
    public init(
        id: ComponentID,
        logger: Logger,
        counters: ComponentCounters = ComponentCounters(),
        home: String,
        memory: (any MemoryPool)? = nil,
        now: @escaping @Sendable () -> Timestamp,
        intake: IntakeLog? = nil,
        shared: SharedParts = SharedParts(),
        describeSession: @escaping @Sendable (_ id: String) async -> String? = { _ in nil }
    ) {
        self.id = id
        self.logger = logger
        self.counters = counters
        self.home = home
        self.memory = memory
        self.now = now
        self.intake = intake ?? IntakeLog(now: now)
        self.shared = shared
        self.describeSession = describeSession
    }
}

/// The pipelines a receiver feeds, one for each signal that has any.
public struct SignalConsumers: Sendable {
    private let consumers: [Signal: any Consumer]

    /// Creates the table.
    public init(_ consumers: [Signal: any Consumer]) {
        self.consumers = consumers
    }

    /// Where records of this signal go; nil when no pipeline takes them from this receiver.
    public subscript(signal: Signal) -> (any Consumer)? { consumers[signal] }
}
