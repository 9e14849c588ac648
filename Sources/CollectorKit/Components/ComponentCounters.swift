// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import Usage

/// What a component counts about itself since its start, and its newest trouble; safe to change and read from anywhere.
public final class ComponentCounters: Sendable {
    private let values = (0..<Field.allCases.count).map { _ in Counter() }
    private let trouble = Mutex<ComponentTrouble?>(nil)

    /// Creates counters at zero.
    public init() {}

    /// What is counted; the raw value is part of the name of the metric.
    public enum Field: String, Sendable, CaseIterable {
        /// Records taken in; counted by the host.
        case accepted
        /// Records that were refused for good; counted by the host, and by a receiver for what it hands to no pipeline.
        case refused
        /// Records kept or sent on; counted by the host, but by an exporter with a queue, which sends later.
        case sent
        /// Records that could not be kept or sent on for a fault of ours or of what lies behind; counted by the host, and by an exporter
        /// with a queue for what it had taken.
        case failed
        /// Records left out on purpose; counted by the host where a processor drops them, else by who leaves them out.
        case dropped
        /// Deviations from the protocol in what was accepted all the same.
        case deviations
        /// Bytes waiting.
        case queuedBytes = "queued_bytes"
    }

    /// Adds to a counter; only ``Field/queuedBytes`` may go down.
    public func add(_ amount: Int, to field: Field) {
        guard let position = Field.allCases.firstIndex(of: field) else { return }
        values[position].value.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The present value.
    public func value(_ field: Field) -> Int {
        Field.allCases.firstIndex(of: field).map { values[$0].value.load(ordering: .relaxed) } ?? 0
    }

    /// Remembers a trouble; `message` is free of secrets and of record content.
    public func note(_ message: String, at time: Timestamp) {
        trouble.withLock { trouble in
            trouble = ComponentTrouble(message: message, time: time, count: (trouble?.count ?? 0) + 1)
        }
    }

    /// The newest trouble; nil when there was none.
    public var lastTrouble: ComponentTrouble? { trouble.withLock { $0 } }

    /// All present values.
    public var snapshot: [Field: Int] {
        Dictionary(uniqueKeysWithValues: Field.allCases.map { ($0, value($0)) })
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }
}
