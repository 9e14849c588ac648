// SPDX-License-Identifier: Apache-2.0

public import Usage

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
    /// The new configuration is in force; how many components were started, stopped or restarted.
    case applied(changes: Int)
    /// It is not; the old one goes on. All diagnostics, as text.
    case refused(String)
    /// This collector cannot load it again: it was not started from files.
    case unavailable
}
