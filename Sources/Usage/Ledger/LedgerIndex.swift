// SPDX-License-Identifier: Apache-2.0

/// What the ledger asks of the place where observations are kept: a table of a database or dictionaries in memory.
///
/// Every question must be answered after the same rules by every store, or two stores would count differently:
/// a key is looked up whatever its time; spans only within the stated distance, resemblances by cells of time.
public protocol LedgerIndex {
    /// The stored observation with this identity and time.
    func observation(id: UInt64, time: Timestamp) throws -> Observation?
    /// The stored observations that know the call by this key (see ``CallKeys``).
    func observations(key: UInt64) throws -> [Observation]
    /// The stored observations that stand in this cell; nil when they are a crowd (``ResemblanceCell/capacity``).
    func observations(in cell: ResemblanceCell) throws -> [Observation]?
    /// The stored observations of this span, at most ``Ledger/traceWindow`` away in time.
    func observations(span: UInt64, near time: Timestamp) throws -> [Observation]
    /// Whether a stored observation names this span as an ancestor, at most ``Ledger/traceWindow`` away in time.
    func hasDescendant(ofSpan span: UInt64, near time: Timestamp) throws -> Bool
}

/// What a store must write so that it holds everything that the ledger has learned.
public struct LedgerChange: Sendable {
    /// Observations to write; one with the same identity replaces what stood in ``replaced``.
    public var observations: [Observation] = []
    /// The former state of observations that change.
    public var replaced: [Observation] = []
    /// Calls that no longer stand as they were; a store removes them first.
    public var retired: [Call] = []
    /// Calls as they stand now.
    public var calls: [Call] = []

    /// Whether there is nothing to write.
    public var isEmpty: Bool { observations.isEmpty }

    /// Creates a change that changes nothing.
    public init() {}
}
