// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import Usage

/// A component's counters since its start, and its latest error; thread-safe.
public final class ComponentCounters: Sendable {
    private let values = (0..<Field.allCases.count).map { _ in Counter() }
    private let trouble = Mutex<ComponentTrouble?>(nil)
    private let starts = Mutex<Int?>(nil)

    /// Creates counters at zero.
    public init() {}

    /// The counters; the raw value is part of the metric's name.
    public enum Field: String, Sendable, CaseIterable {
        /// Received records; counted by the host.
        case accepted
        /// Records that were refused for good; counted by the host, and by a receiver for those that reach no pipeline.
        case refused
        /// Records stored or sent on; counted by the host, except for an exporter with a queue, which sends later.
        case sent
        /// Records that could not be stored or sent on because of an error here or at the destination; counted by the host, and by an
        /// exporter with a queue for records that it had taken.
        case failed
        /// Records dropped on purpose; counted by the host for processors, else by the component that drops them.
        case dropped
        /// Deviations from the protocol in accepted data.
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

    /// Records an error; `message` must be free of secrets and of record content.
    public func note(_ message: String, at time: Timestamp) {
        trouble.withLock { trouble in
            trouble = ComponentTrouble(message: message, time: time, count: (trouble?.count ?? 0) + 1)
        }
    }

    /// The latest error; nil when there was none.
    public var lastTrouble: ComponentTrouble? { trouble.withLock { $0 } }

    /// Counts a start of the component's own process.
    ///
    /// - Parameter again: Whether it ran before and has ended by itself or was ended.
    public func noteStart(again: Bool) {
        starts.withLock { $0 = ($0 ?? 0) + (again ? 1 : 0) }
    }

    /// How often the component's own process was started again; nil for a component that has none.
    public var restarts: Int? { starts.withLock { $0 } }

    /// All present values.
    public var snapshot: [Field: Int] {
        Dictionary(uniqueKeysWithValues: Field.allCases.map { ($0, value($0)) })
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }
}
