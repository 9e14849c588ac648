// SPDX-License-Identifier: Apache-2.0

public import Usage

/// What one collector does at a time for a store that several share.
public enum StoreDuty: String, Sendable, CaseIterable {
    /// Removing once a day what is older than the retention.
    case compaction
    /// Reporting what is wrong with usage.
    case alerts
}

/// That a collector has a duty now.
public struct StoreTerm: Sendable, Hashable {
    /// Whether other collectors may have the duty after it.
    public var isShared: Bool
    /// What the collector that had the duty last has left for the next one; nil for nothing.
    public var memo: [UInt8]?

    /// Creates a term; by default that of a store which no other collector uses.
    public init(isShared: Bool = false, memo: [UInt8]? = nil) {
        (self.isShared, self.memo) = (isShared, memo)
    }
}

/// Another collector that keeps its data in the same store.
public struct StoreCollector: Sendable, Hashable {
    /// The number that it gave itself at its start, in hexadecimal.
    public var id: String
    /// Its machine; empty when unknown.
    public var host: String
    /// The version of the program.
    public var version: String
    /// When it opened the store, by the clock of the store.
    public var startedAt: Timestamp
    /// When it last said that it lives, by the clock of the store.
    public var lastSeenAt: Timestamp

    /// Creates a collector.
    public init(id: String, host: String, version: String, startedAt: Timestamp, lastSeenAt: Timestamp) {
        (self.id, self.host, self.version) = (id, host, version)
        (self.startedAt, self.lastSeenAt) = (startedAt, lastSeenAt)
    }
}

/// For a store that only this collector uses.
extension UsageStore {
    /// A term of its own.
    public func take(_ duty: StoreDuty) async throws -> StoreTerm? { StoreTerm() }
    /// True: there is no other collector to tell.
    public func leave(_ memo: [UInt8], of duty: StoreDuty) async throws -> Bool { true }
    /// Nil: there is none.
    public func memo(of duty: StoreDuty) async throws -> [UInt8]? { nil }
    /// None.
    public var otherCollectors: [StoreCollector] { [] }
}
