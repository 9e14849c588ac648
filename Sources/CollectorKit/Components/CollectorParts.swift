// SPDX-License-Identifier: Apache-2.0

public import Usage

/// The parts of the collector that an extension may use: components with abilities beyond their kind.
public struct CollectorParts: Sendable {
    /// The stores, which answer queries, by id.
    public var stores: [ComponentID: any UsageStore]
    /// The receivers that read session files on this machine.
    public var scanners: [any SessionScanner]
    /// The processors with a price table.
    public var priceTables: [any PriceTableHolding]
    /// Returns the present status of the collector.
    public var status: @Sendable () -> CollectorStatus
    /// Reloads the configuration and returns the outcome.
    public var reload: @Sendable () async -> ReloadOutcome

    /// Creates the parts; empty without arguments.
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

/// A processor with a price table.
public protocol PriceTableHolding: Sendable {
    /// The prices of calls.
    var pricing: Pricing { get }
}

/// The outcome of a reload of the configuration.
public enum ReloadOutcome: Sendable {
    /// The new configuration is in force, with the number of components that were started, stopped or restarted.
    case applied(changes: Int)
    /// The new configuration has errors and the old one stays in force, with all diagnostics as text.
    case refused(String)
    /// This collector was not started from files and cannot reload.
    case unavailable
}
