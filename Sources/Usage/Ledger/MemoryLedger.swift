// SPDX-License-Identifier: Apache-2.0

/// A ledger in memory: the reference for every store, and the working state of those that keep their calls in memory.
public struct MemoryLedger: LedgerIndex, Sendable {
    private var observations: [UInt64: Observation] = [:]
    private var byKey: [UInt64: Set<UInt64>] = [:]
    private var byCell: [ResemblanceCell: Set<UInt64>] = [:]
    private var bySpan: [UInt64: Set<UInt64>] = [:]
    private var byAncestor: [UInt64: Set<UInt64>] = [:]
    private var callsByID: [UInt64: Call] = [:]

    /// Creates an empty ledger.
    public init() {}

    /// The calls as they stand, in no order.
    public var calls: [Call] { Array(callsByID.values) }

    /// Takes in observations and returns what they changed.
    @discardableResult
    public mutating func absorb(_ incoming: [Observation]) throws -> LedgerChange {
        let change = try Ledger.absorb(incoming, into: self)
        for former in change.replaced { unlink(former) }
        for observation in change.observations { link(observation) }
        for call in change.retired { callsByID[call.id] = nil }
        for call in change.calls { callsByID[call.id] = call }
        return change
    }

    /// The stored observation with this identity.
    public func observation(id: UInt64, time: Timestamp) -> Observation? { observations[id] }

    /// The stored observations with this key.
    public func observations(key: UInt64) -> [Observation] { resolve(byKey[key]) }

    /// The stored observations that stand in this cell; nil when they are a crowd.
    public func observations(in cell: ResemblanceCell) -> [Observation]? {
        let ids = byCell[cell] ?? []
        return ids.count > ResemblanceCell.capacity ? nil : resolve(ids)
    }

    /// The stored observations of this span.
    public func observations(span: UInt64, near time: Timestamp) -> [Observation] {
        resolve(bySpan[span]).filter { Ledger.isNear($0.time, time) }
    }

    /// Whether this span is a stored observation's ancestor.
    public func hasDescendant(ofSpan span: UInt64, near time: Timestamp) -> Bool {
        resolve(byAncestor[span]).contains { Ledger.isNear($0.time, time) }
    }

    private func resolve(_ ids: Set<UInt64>?) -> [Observation] { (ids ?? []).compactMap { observations[$0] } }

    private mutating func link(_ observation: Observation) {
        observations[observation.id] = observation
        for key in observation.keys.known { byKey[key, default: []].insert(observation.id) }
        if let cell = ResemblanceCell(of: observation) { byCell[cell, default: []].insert(observation.id) }
        if observation.trace.span != 0 { bySpan[observation.trace.span, default: []].insert(observation.id) }
        for ancestor in observation.trace.ancestors.values { byAncestor[ancestor, default: []].insert(observation.id) }
    }

    private mutating func unlink(_ observation: Observation) {
        observations[observation.id] = nil
        for key in observation.keys.known { byKey[key]?.remove(observation.id) }
        if let cell = ResemblanceCell(of: observation) { byCell[cell]?.remove(observation.id) }
        bySpan[observation.trace.span]?.remove(observation.id)
        for ancestor in observation.trace.ancestors.values { byAncestor[ancestor]?.remove(observation.id) }
    }
}
