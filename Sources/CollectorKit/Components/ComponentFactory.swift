// SPDX-License-Identifier: Apache-2.0

public import OTLP

/// Creates the components of one type: a value with their description, their configuration, and the function that creates one.
///
/// ```swift
/// extension ComponentFactory {
///     static let count = exporter("count", CountConfig.self, summary: "writes the number of records of each batch") { config, settings in
///         CountExporter(config, settings)
///     }
/// }
/// ```
///
/// A component needs no Swift type of its own: a factory whose configuration is known only at run time is created with a
/// ``ConfigDefinition``. A program lists its factories explicitly; a factory is safe to use from any thread.
public struct ComponentFactory: Sendable {
    /// The kind of its components.
    public let kind: ComponentKind
    /// The type, as written in a configuration.
    public let type: String
    /// Other accepted spellings of the type.
    public let aliases: [String]
    /// The signals that its components can process.
    public let signals: [Signal]
    /// The stability of its configuration.
    public let stability: Stability
    /// The purpose of its components, in one sentence.
    public let summary: String
    /// The keys of its components' configuration.
    public let configuration: ConfigDefinition
    /// Whether its components are stores that answer queries (``UsageStore``).
    public let isStore: Bool
    /// Whether its components check the keys of senders (``Authenticator``).
    public let isAuthenticator: Bool
    /// Whether its components say for exporters who the collector is (``ClientCredentials``).
    public let isClientAuthenticator: Bool
    /// Where its components come from.
    public private(set) var origin = ComponentOrigin.program
    /// The signals of pipelines that a connector can begin; empty for all others.
    public private(set) var emitted: [Signal] = []
    private let maker: Maker

    private typealias ReceiverMaker =
        @Sendable (any ConfigValues, ComponentSettings, SignalConsumers) throws(StartError) -> any Receiver
    private typealias ExporterMaker =
        @Sendable (any ConfigValues, ComponentSettings) throws(StartError) -> any Exporter

    private enum Maker: Sendable {
        case receiver(ReceiverMaker)
        case processor(@Sendable (any ConfigValues, ComponentSettings) throws(StartError) -> any Processor)
        case exporter(ExporterMaker)
        case connector(exporter: ExporterMaker, receiver: ReceiverMaker)
        case `extension`(
            @Sendable (any ConfigValues, ComponentSettings, CollectorParts) throws(StartError) -> any Extension
        )
    }

    private init(
        _ kind: ComponentKind,
        _ type: String,
        _ configuration: ConfigDefinition,
        _ aliases: [String],
        _ signals: [Signal],
        _ stability: Stability,
        _ summary: String,
        isStore: Bool = false,
        isAuthenticator: Bool = false,
        isClientAuthenticator: Bool = false,
        _ maker: Maker
    ) {
        self.kind = kind
        self.type = type
        self.configuration = configuration
        self.aliases = aliases
        self.signals = signals
        self.stability = stability
        self.summary = summary
        self.isStore = isStore
        self.isAuthenticator = isAuthenticator
        self.isClientAuthenticator = isClientAuthenticator
        self.maker = maker
    }

    /// The values in the type that the factory declared.
    private static func typed<Values>(_ config: any ConfigValues, _ id: ComponentID) throws(StartError) -> Values {
        guard let values = config as? Values else {
            throw StartError(.configuration, "\(id) was declared with the configuration of another component")
        }
        return values
    }

    private func isNo(_ kind: ComponentKind, _ settings: ComponentSettings) -> StartError {
        StartError(.configuration, "\(settings.id): the type \(type) is no \(kind.singular)")
    }
}

extension ComponentFactory {
    /// The same factory under another origin.
    public func from(_ origin: ComponentOrigin) -> ComponentFactory {
        var factory = self
        factory.origin = origin
        return factory
    }
}

/// Where components come from.
public enum ComponentOrigin: Sendable, Hashable {
    /// They are compiled into the program.
    case program
    /// They run in processes of their own; the fingerprint changes with the files of the plugin, so that a reload starts a new process.
    case plugin(String, fingerprint: String)
}

/// How settled a component is.
public enum Stability: String, Sendable {
    /// Keys keep their names and meaning.
    case stable
    /// Keys may still change.
    case beta
}

// MARK: - Receivers

extension ComponentFactory {
    /// Creates a factory of receivers, which pass what they receive to the given consumers; creating a receiver must open nothing.
    ///
    /// - Parameters:
    ///   - config: The type of the configuration.
    ///   - make: Throws ``StartError`` when the configuration cannot be used.
    public static func receiver<Config: ComponentConfig>(
        _ type: String,
        _ config: Config.Type,
        aliases: [String] = [],
        signals: [Signal] = Signal.allCases,
        stability: Stability = .stable,
        summary: String,
        make: @escaping @Sendable (Config, ComponentSettings, SignalConsumers) throws(StartError) -> any Receiver
    ) -> ComponentFactory {
        receiver(
            type,
            ConfigDefinition(config),
            aliases: aliases,
            signals: signals,
            stability: stability,
            summary: summary,
            make: make
        )
    }

    /// Creates a factory of receivers with a configuration of any type.
    public static func receiver<Values: ConfigValues>(
        _ type: String,
        _ configuration: ConfigDefinition,
        aliases: [String] = [],
        signals: [Signal] = Signal.allCases,
        stability: Stability = .stable,
        summary: String,
        make: @escaping @Sendable (Values, ComponentSettings, SignalConsumers) throws(StartError) -> any Receiver
    ) -> ComponentFactory {
        ComponentFactory(
            .receiver,
            type,
            configuration,
            aliases,
            signals,
            stability,
            summary,
            .receiver { config, settings, next throws(StartError) in
                try make(try typed(config, settings.id), settings, next)
            }
        )
    }

    /// Creates a receiver; opens nothing.
    ///
    /// - Throws: ``StartError`` when this is not a factory of receivers, or the configuration cannot be used.
    public func makeReceiver(
        _ config: any ConfigValues,
        _ settings: ComponentSettings,
        next: SignalConsumers
    ) throws(StartError) -> any Receiver {
        guard case .receiver(let make) = maker else { throw isNo(.receiver, settings) }
        return try make(config, settings, next)
    }
}

// MARK: - Processors

extension ComponentFactory {
    /// Creates a factory of processors, one for each pipeline; creating one must open nothing except files that its configuration names.
    ///
    /// - Parameters:
    ///   - config: The type of the configuration.
    ///   - make: Throws ``StartError`` when such a file or the configuration cannot be used.
    public static func processor<Config: ComponentConfig>(
        _ type: String,
        _ config: Config.Type,
        aliases: [String] = [],
        signals: [Signal] = Signal.allCases,
        stability: Stability = .stable,
        summary: String,
        make: @escaping @Sendable (Config, ComponentSettings) throws(StartError) -> any Processor
    ) -> ComponentFactory {
        processor(
            type,
            ConfigDefinition(config),
            aliases: aliases,
            signals: signals,
            stability: stability,
            summary: summary,
            make: make
        )
    }

    /// Creates a factory of processors with a configuration of any type.
    public static func processor<Values: ConfigValues>(
        _ type: String,
        _ configuration: ConfigDefinition,
        aliases: [String] = [],
        signals: [Signal] = Signal.allCases,
        stability: Stability = .stable,
        summary: String,
        make: @escaping @Sendable (Values, ComponentSettings) throws(StartError) -> any Processor
    ) -> ComponentFactory {
        ComponentFactory(
            .processor,
            type,
            configuration,
            aliases,
            signals,
            stability,
            summary,
            .processor { config, settings throws(StartError) in try make(try typed(config, settings.id), settings) }
        )
    }

    /// Creates a processor.
    ///
    /// - Throws: ``StartError`` when this is not a factory of processors, or a file or the configuration cannot be used.
    public func makeProcessor(_ config: any ConfigValues, _ settings: ComponentSettings) throws(StartError)
        -> any Processor
    {
        guard case .processor(let make) = maker else { throw isNo(.processor, settings) }
        return try make(config, settings)
    }
}

// MARK: - Exporters

extension ComponentFactory {
    /// Creates a factory of exporters; creating one must open nothing.
    ///
    /// - Parameters:
    ///   - config: The type of the configuration.
    ///   - isStore: Whether its exporters are stores that answer queries; each then has a ``Exporter/usageStore``.
    ///   - make: Throws ``StartError`` when the configuration cannot be used.
    public static func exporter<Config: ComponentConfig>(
        _ type: String,
        _ config: Config.Type,
        aliases: [String] = [],
        signals: [Signal] = Signal.allCases,
        stability: Stability = .stable,
        isStore: Bool = false,
        summary: String,
        make: @escaping @Sendable (Config, ComponentSettings) throws(StartError) -> any Exporter
    ) -> ComponentFactory {
        exporter(
            type,
            ConfigDefinition(config),
            aliases: aliases,
            signals: signals,
            stability: stability,
            isStore: isStore,
            summary: summary,
            make: make
        )
    }

    /// Creates a factory of exporters with a configuration of any type.
    public static func exporter<Values: ConfigValues>(
        _ type: String,
        _ configuration: ConfigDefinition,
        aliases: [String] = [],
        signals: [Signal] = Signal.allCases,
        stability: Stability = .stable,
        isStore: Bool = false,
        summary: String,
        make: @escaping @Sendable (Values, ComponentSettings) throws(StartError) -> any Exporter
    ) -> ComponentFactory {
        ComponentFactory(
            .exporter,
            type,
            configuration,
            aliases,
            signals,
            stability,
            summary,
            isStore: isStore,
            .exporter { config, settings throws(StartError) in try make(try typed(config, settings.id), settings) }
        )
    }

    /// Creates an exporter; opens nothing.
    ///
    /// - Throws: ``StartError`` when this is not a factory of exporters, when `isStore` does not match the exporter, or when the
    ///   configuration cannot be used.
    public func makeExporter(_ config: any ConfigValues, _ settings: ComponentSettings) throws(StartError)
        -> any Exporter
    {
        guard case .exporter(let make) = maker else { throw isNo(.exporter, settings) }
        let exporter = try make(config, settings)
        guard isStore == (exporter.usageStore != nil) else {
            let fault =
                isStore ? "its type says that it answers queries" : "its type does not say that it answers queries"
            throw StartError(.configuration, "\(settings.id): \(fault); isStore of the factory \(type) is wrong")
        }
        return exporter
    }
}

// MARK: - Connectors

extension ComponentFactory {
    /// Creates a factory of connectors: each is an exporter of some pipelines and a receiver of others.
    ///
    /// - Parameters:
    ///   - config: The type of the configuration.
    ///   - signals: The signals of pipelines that it can end.
    ///   - emitted: The signals of pipelines that it can begin.
    ///   - exporter: Makes the part that ends pipelines.
    ///   - receiver: Makes the part that begins pipelines.
    public static func connector<Config: ComponentConfig>(
        _ type: String,
        _ config: Config.Type,
        signals: [Signal],
        emitting emitted: [Signal],
        stability: Stability = .beta,
        summary: String,
        exporter: @escaping @Sendable (Config, ComponentSettings) throws(StartError) -> any Exporter,
        receiver: @escaping @Sendable (Config, ComponentSettings, SignalConsumers) throws(StartError) -> any Receiver
    ) -> ComponentFactory {
        var factory = ComponentFactory(
            .connector,
            type,
            ConfigDefinition(config),
            [],
            signals,
            stability,
            summary,
            .connector { config, settings throws(StartError) in
                try exporter(try typed(config, settings.id), settings)
            } receiver: { config, settings, next throws(StartError) in
                try receiver(try typed(config, settings.id), settings, next)
            }
        )
        factory.emitted = emitted
        return factory
    }

    /// The parts of a connector as factories of their own; nil for every other factory.
    public var sides: (exporter: ComponentFactory, receiver: ComponentFactory)? {
        guard case .connector(let exporter, let receiver) = maker else { return nil }
        func side(_ kind: ComponentKind, _ signals: [Signal], _ maker: Maker) -> ComponentFactory {
            ComponentFactory(kind, type, configuration, aliases, signals, stability, summary, maker).from(origin)
        }
        return (side(.exporter, signals, .exporter(exporter)), side(.receiver, emitted, .receiver(receiver)))
    }
}

// MARK: - Extensions

extension ComponentFactory {
    /// Creates a factory of extensions; creating one must open nothing.
    ///
    /// - Parameters:
    ///   - config: What a user writes.
    ///   - isAuthenticator: Whether its extensions know the keys of senders; each then has a ``Extension/authenticator``.
    ///   - isClientAuthenticator: Whether its extensions offer ``ClientCredentials`` to exporters.
    ///   - make: Gets what else of the configuration an extension may work with; throws ``StartError`` when the configuration cannot
    ///     be used.
    public static func `extension`<Config: ComponentConfig>(
        _ type: String,
        _ config: Config.Type,
        aliases: [String] = [],
        signals: [Signal] = [],
        stability: Stability = .stable,
        isAuthenticator: Bool = false,
        isClientAuthenticator: Bool = false,
        summary: String,
        make: @escaping @Sendable (Config, ComponentSettings, CollectorParts) throws(StartError) -> any Extension
    ) -> ComponentFactory {
        .extension(
            type,
            ConfigDefinition(config),
            aliases: aliases,
            signals: signals,
            stability: stability,
            isAuthenticator: isAuthenticator,
            isClientAuthenticator: isClientAuthenticator,
            summary: summary,
            make: make
        )
    }

    /// Creates a factory of extensions with a configuration of any type.
    public static func `extension`<Values: ConfigValues>(
        _ type: String,
        _ configuration: ConfigDefinition,
        aliases: [String] = [],
        signals: [Signal] = [],
        stability: Stability = .stable,
        isAuthenticator: Bool = false,
        isClientAuthenticator: Bool = false,
        summary: String,
        make: @escaping @Sendable (Values, ComponentSettings, CollectorParts) throws(StartError) -> any Extension
    ) -> ComponentFactory {
        ComponentFactory(
            .extension,
            type,
            configuration,
            aliases,
            signals,
            stability,
            summary,
            isAuthenticator: isAuthenticator,
            isClientAuthenticator: isClientAuthenticator,
            .extension { config, settings, parts throws(StartError) in
                try make(try typed(config, settings.id), settings, parts)
            }
        )
    }

    /// Creates an extension; opens nothing.
    ///
    /// - Parameter parts: The other parts of the collector that the extension may use.
    /// - Throws: ``StartError`` when this is not a factory of extensions, when `isAuthenticator` does not match the extension, or when the
    ///   configuration cannot be used.
    public func makeExtension(
        _ config: any ConfigValues,
        _ settings: ComponentSettings,
        with parts: CollectorParts
    ) throws(StartError) -> any Extension {
        guard case .extension(let make) = maker else { throw isNo(.extension, settings) }
        let made = try make(config, settings, parts)
        guard isAuthenticator == (made.authenticator != nil) else {
            let fault =
                isAuthenticator ? "its type says that it knows keys" : "its type does not say that it knows keys"
            throw StartError(
                .configuration,
                "\(settings.id): \(fault); isAuthenticator of the factory \(type) is wrong"
            )
        }
        return made
    }
}
