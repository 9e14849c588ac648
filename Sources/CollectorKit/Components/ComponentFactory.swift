// SPDX-License-Identifier: Apache-2.0

public import OTLP

/// Makes the components of one type: a value that says what they are, how they are configured, and how one is made.
///
/// ```swift
/// extension ComponentFactory {
///     static let count = exporter("count", CountConfig.self, summary: "writes the number of records of each batch") { config, settings in
///         CountExporter(config, settings)
///     }
/// }
/// ```
///
/// A component needs no Swift type of its own: a factory whose configuration is known only while the program runs is made with a
/// ``ConfigDefinition``. A factory is known to a program through one explicit list and safe to use from any thread.
public struct ComponentFactory: Sendable {
    /// What its components do in a pipeline.
    public let kind: ComponentKind
    /// The type, as written in a configuration.
    public let type: String
    /// Other spellings of the type that are accepted.
    public let aliases: [String]
    /// The signals its components can handle.
    public let signals: [Signal]
    /// How settled its configuration is.
    public let stability: Stability
    /// What its components are for, in one sentence.
    public let summary: String
    /// What a user may write under the id of a component.
    public let configuration: ConfigDefinition
    /// Whether its components are stores that answer queries (``UsageStore``).
    public let isStore: Bool
    /// Whether its components know the keys of senders (``Authenticator``).
    public let isAuthenticator: Bool
    /// Whether its components say for exporters who the collector is (``ClientCredentials``).
    public let isClientAuthenticator: Bool
    private let maker: Maker

    private enum Maker: Sendable {
        case receiver(
            @Sendable (any ConfigValues, ComponentSettings, SignalConsumers) throws(StartError) -> any Receiver
        )
        case processor(@Sendable (any ConfigValues, ComponentSettings) throws(StartError) -> any Processor)
        case exporter(@Sendable (any ConfigValues, ComponentSettings) throws(StartError) -> any Exporter)
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

    /// The values as a factory declared them.
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

/// How settled a component is.
public enum Stability: String, Sendable {
    /// Keys keep their names and meaning.
    case stable
    /// Keys may still change.
    case beta
}

// MARK: - Receivers

extension ComponentFactory {
    /// Makes receivers that hand what they take in to the consumers they are given; making one opens nothing.
    ///
    /// - Parameters:
    ///   - config: What a user writes.
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

    /// Makes receivers whose configuration is a value of its own.
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

    /// Makes a receiver; opens nothing.
    ///
    /// - Throws: ``StartError`` when these are no receivers, or the configuration cannot be used.
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
    /// Makes processors, one for each pipeline; making one opens nothing but files its configuration names for reading.
    ///
    /// - Parameters:
    ///   - config: What a user writes.
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

    /// Makes processors whose configuration is a value of its own.
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

    /// Makes a processor.
    ///
    /// - Throws: ``StartError`` when these are no processors, or a file or the configuration cannot be used.
    public func makeProcessor(_ config: any ConfigValues, _ settings: ComponentSettings) throws(StartError)
        -> any Processor
    {
        guard case .processor(let make) = maker else { throw isNo(.processor, settings) }
        return try make(config, settings)
    }
}

// MARK: - Exporters

extension ComponentFactory {
    /// Makes exporters; making one opens nothing.
    ///
    /// - Parameters:
    ///   - config: What a user writes.
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

    /// Makes exporters whose configuration is a value of its own.
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

    /// Makes an exporter; opens nothing.
    ///
    /// - Throws: ``StartError`` when these are no exporters, when one is a store and the factory does not say so or says so of one
    ///   that is none, or when the configuration cannot be used.
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

// MARK: - Extensions

extension ComponentFactory {
    /// Makes extensions; making one opens nothing.
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

    /// Makes extensions whose configuration is a value of its own.
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

    /// Makes an extension; opens nothing.
    ///
    /// - Parameter parts: What else of the configuration an extension may work with.
    /// - Throws: ``StartError`` when these are no extensions, when one knows keys and the factory does not say so or says so of one
    ///   that knows none, or when the configuration cannot be used.
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
