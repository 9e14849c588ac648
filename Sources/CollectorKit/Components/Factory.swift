// SPDX-License-Identifier: Apache-2.0

public import Logging
public import OTLP
public import Usage

/// Makes components of one type from their configuration.
///
/// A factory is a value without state. It is known to the collector through one explicit list.
public protocol ComponentFactory: Sendable {
    /// What a user writes under the component's id; a factory names it with a type alias.
    associatedtype Config: ComponentConfig
    /// The type, as written in a configuration.
    var type: String { get }
    /// Other spellings of the type that are accepted.
    var aliases: [String] { get }
    /// The signals it can handle.
    var signals: [Signal] { get }
    /// How settled its configuration is.
    var stability: Stability { get }
    /// What it is for, in one sentence.
    var summary: String { get }
}

extension ComponentFactory {
    /// No other spellings.
    public var aliases: [String] { [] }
    /// All signals.
    public var signals: [Signal] { Signal.allCases }
    /// Stable.
    public var stability: Stability { .stable }
}

/// How settled a component is.
public enum Stability: String, Sendable {
    /// Keys keep their names and meaning.
    case stable
    /// Keys may still change.
    case beta
}

/// Makes receivers.
public protocol ReceiverFactory: ComponentFactory {
    /// Makes a receiver that hands what it takes in to `next`; opens nothing.
    func makeReceiver(_ config: Config, _ settings: ComponentSettings, next: SignalConsumers) -> any Receiver
}

/// Makes processors; each pipeline gets its own.
public protocol ProcessorFactory: ComponentFactory {
    /// Makes a processor; opens nothing but files its configuration names for reading.
    ///
    /// - Throws: ``StartError`` when such a file cannot be used.
    func makeProcessor(_ config: Config, _ settings: ComponentSettings) throws(StartError) -> any Processor
}

/// Makes exporters.
public protocol ExporterFactory: ComponentFactory {
    /// Whether its exporters are stores that answer queries (``UsageStore``).
    var isStore: Bool { get }
    /// Makes an exporter; opens nothing.
    func makeExporter(_ config: Config, _ settings: ComponentSettings) -> any Exporter
}

extension ExporterFactory {
    /// No store.
    public var isStore: Bool { false }
}

/// Makes extensions.
public protocol ExtensionFactory: ComponentFactory {
    /// Whether its extensions know the keys of senders (``Authenticator``).
    var isAuthenticator: Bool { get }
    /// Makes an extension; opens nothing.
    ///
    /// - Parameter parts: What else of the configuration an extension may work with.
    func makeExtension(_ config: Config, _ settings: ComponentSettings, with parts: CollectorParts) -> any Extension
}

extension ExtensionFactory {
    /// Knows no keys.
    public var isAuthenticator: Bool { false }
}

/// A factory with its kind, as the list of a program's components holds it.
///
/// ```swift
/// await TelemetryHub.main(adding: [.exporter(ledgerCSV)])
/// ```
public enum RegisteredComponent: Sendable {
    /// Makes receivers.
    case receiver(any ReceiverFactory)
    /// Makes processors.
    case processor(any ProcessorFactory)
    /// Makes exporters.
    case exporter(any ExporterFactory)
    /// Makes extensions.
    case `extension`(any ExtensionFactory)

    /// What the factory makes.
    public var kind: ComponentKind {
        switch self {
        case .receiver: .receiver
        case .processor: .processor
        case .exporter: .exporter
        case .extension: .extension
        }
    }

    /// What all factories say of themselves.
    public var factory: any ComponentFactory {
        switch self {
        case .receiver(let factory): factory
        case .processor(let factory): factory
        case .exporter(let factory): factory
        case .extension(let factory): factory
        }
    }

    /// Whether its components are stores that answer queries (``UsageStore``).
    public var isStore: Bool {
        if case .exporter(let factory) = self { factory.isStore } else { false }
    }

    /// Whether its components know the keys of senders (``Authenticator``).
    public var isAuthenticator: Bool {
        if case .extension(let factory) = self { factory.isAuthenticator } else { false }
    }
}

/// What an extension may work with: the components of a configuration that can do more than take batches.
public struct CollectorParts: Sendable {
    /// The exporters that answer queries, by id.
    public var stores: [ComponentID: any UsageStore]
    /// The receivers that read what agents keep on this machine.
    public var scanners: [any SessionScanner]
    /// The processors that price calls, each with its table.
    public var priceTables: [any PriceTableHolding]
    /// What the collector says about itself now.
    public var status: @Sendable () -> CollectorStatus
    /// Loads the configuration again; returns the diagnostics, none when it was taken.
    public var reload: @Sendable () async -> ReloadOutcome

    /// Creates the parts; without arguments there are none.
    public init(
        stores: [ComponentID: any UsageStore] = [:],
        scanners: [any SessionScanner] = [],
        priceTables: [any PriceTableHolding] = [],
        status: @escaping @Sendable () -> CollectorStatus = { CollectorStatus() },
        reload: @escaping @Sendable () async -> ReloadOutcome = { .unavailable }
    ) {
        self.stores = stores
        self.scanners = scanners
        self.priceTables = priceTables
        self.status = status
        self.reload = reload
    }
}

/// A processor whose price table can be looked at.
public protocol PriceTableHolding: Sendable {
    /// How it prices calls.
    var pricing: Pricing { get }
}

/// How an attempt to load the configuration again ended.
public enum ReloadOutcome: Sendable {
    /// The new configuration is in force; how many components were started, stopped or started anew.
    case applied(changes: Int)
    /// It is not; the old one goes on. All diagnostics, as text.
    case refused(String)
    /// This collector cannot load it again: it was not started from files.
    case unavailable
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
