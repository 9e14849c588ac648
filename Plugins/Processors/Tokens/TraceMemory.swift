// SPDX-License-Identifier: Apache-2.0

import OTLP
import Synchronization
import Usage

/// What spans of one trace that come in different batches must know of one another.
///
/// A span is exported when it ends, so a call comes before the agent that made it, and often in an earlier batch: the session on the
/// agent's span, and its sum, come later. This memory lives as long as the collector and is bounded; a trace that was pushed out of
/// it, or that comes to another collector, keeps what is in its own batch. May be used from many tasks at once.
final class TraceMemory: Sendable {
    private let state = Mutex(State())

    /// Calls `body` with what is remembered, alone.
    func exchange(_ body: (inout State) -> Void) {
        state.withLock { state in body(&state) }
    }

    /// Whether there is any span above which usage was seen, so that spans of later batches must be looked at.
    var expectsAncestors: Bool { state.withLock { $0.expectsAncestors } }

    /// A trace, by its id.
    struct Trace: Hashable {
        let high: UInt64
        let low: UInt64

        init(_ record: RecordEntry) { (high, low) = (record.traceHigh, record.traceLow) }

        /// Whether there is one.
        var isKnown: Bool { high | low != 0 }

        var hash: UInt64 { (high ^ low) &* 0x9E37_79B9_7F4A_7C15 }

        func hash(into hasher: inout Hasher) { hasher.combine(high ^ low) }
    }

    /// What spans of a trace say about its session and user.
    struct Names: Hashable {
        var session = Name.none
        var user = Name.none

        /// Takes in what other spans say.
        mutating func merge(_ other: Names) {
            session.merge(other.session)
            user.merge(other.user)
        }
    }

    /// A name that can be lent as long as it is the only one.
    enum Name: Hashable {
        case none
        case one(String)
        case several

        var only: String? {
            guard case .one(let name) = self else { return nil }
            return name
        }

        /// Takes in another name; two that differ are none that can be lent.
        mutating func merge(_ other: Name) {
            switch (self, other) {
            case (_, .none): break
            case (.none, _): self = other
            default: if self != other { self = .several }
            }
        }
    }

    /// What is remembered, in tables of fixed size, in which a newer trace takes the place of an older one.
    struct State {
        /// The sums of agents, and the calls that may be in them.
        var sums = AgentSums()
        private var names: [(trace: Trace, names: Names)?] = []
        private var above: [UInt64] = []
        private var parents: [(span: UInt64, parent: UInt64)] = []
        private var waiting: [Trace: Waiting] = [:]
        /// The traces in ``waiting`` from ``oldest`` on, in the order in which they came; those before are gone.
        private var order: [Trace] = []
        private var oldest = 0
        private var waitingCount = 0
        /// Whether any span has named a user.
        private(set) var knowsUsers = false

        private static let traceCapacity = 4_096
        private static let spanCapacity = 16_384
        private static let waitingCapacity = 2_048
        private static let waitingPerTrace = 256
        /// A batch that fails is sent again, so what waited is completed more often than once.
        private static let deliveries = 3

        private struct Waiting {
            /// The first, and the others: nearly all traces have one, which needs no list.
            var first: Observation
            var others: [Observation] = []
            /// What was lent last, and how often.
            var lent = Names()
            var deliveries = 0
        }

        // MARK: Spans above others

        /// Notes the parent of a span that makes no observation.
        mutating func note(parent: UInt64, of span: UInt64) {
            if parents.isEmpty { parents = .init(repeating: (0, 0), count: Self.spanCapacity) }
            parents[place(of: span)] = (span, parent)
        }

        /// The first span on the way up from a span of an earlier batch that may make an observation: that one, or one above it.
        func climb(from span: UInt64) -> UInt64 {
            guard !parents.isEmpty else { return span }
            var span = span
            // A loop in broken data ends here.
            for _ in 0..<64 {
                let known = parents[place(of: span)]
                guard known.span == span else { break }
                span = known.parent
            }
            return span
        }

        var expectsAncestors: Bool { !above.isEmpty }

        /// Notes that a span, which has not come yet, is above one with usage.
        mutating func note(above span: UInt64) {
            if above.isEmpty { above = [UInt64](repeating: 0, count: Self.spanCapacity) }
            above[place(of: span)] = span
        }

        /// Whether a span is known to be above one with usage.
        func isAbove(_ span: UInt64) -> Bool { !above.isEmpty && above[place(of: span)] == span }

        private func place(of span: UInt64) -> Int { Int(truncatingIfNeeded: span) & (Self.spanCapacity - 1) }

        // MARK: Names

        /// What is known of a trace.
        func names(of trace: Trace) -> Names? {
            guard !names.isEmpty, let known = names[place(of: trace)], known.trace == trace else { return nil }
            return known.names
        }

        /// Notes what spans of a trace say, and returns all that is known of it.
        mutating func note(_ other: Names, of trace: Trace) -> Names {
            if names.isEmpty { names = .init(repeating: nil, count: Self.traceCapacity) }
            if other.user != .none { knowsUsers = true }
            let place = place(of: trace)
            if let known = names[place], known.trace == trace, known.names == other { return other }
            var merged = names(of: trace) ?? Names()
            merged.merge(other)
            names[place] = (trace, merged)
            return merged
        }

        private func place(of trace: Trace) -> Int {
            Int(truncatingIfNeeded: trace.hash >> 52) & (Self.traceCapacity - 1)
        }

        // MARK: Calls without a session or a user

        /// Keeps a call that names no session or no user, until a later span of its trace does.
        mutating func keep(_ observation: Observation, of trace: Trace) {
            while waitingCount >= Self.waitingCapacity, oldest < order.count {
                forget(order[oldest])
                oldest += 1
            }
            // Moved together now and then: to move all for each trace that goes would cost more than all else here.
            if oldest >= Self.waitingCapacity {
                order.removeFirst(oldest)
                oldest = 0
            }
            guard let index = waiting.index(forKey: trace) else {
                waiting[trace] = Waiting(first: observation)
                order.append(trace)
                return waitingCount += 1
            }
            guard waiting.values[index].others.count + 1 < Self.waitingPerTrace else { return }
            waiting.values[index].others.append(observation)
            waitingCount += 1
        }

        /// Whether any call waits.
        var hasKept: Bool { !waiting.isEmpty }

        /// Whether a call of a trace waits.
        func hasKept(of trace: Trace) -> Bool { waiting[trace] != nil }

        /// The calls of a trace that were kept.
        func kept(of trace: Trace) -> [Observation] { waiting[trace].map { [$0.first] + $0.others } ?? [] }

        /// Notes that names were lent to calls of a trace; those that were lent often enough are not lent again.
        mutating func noteLent(_ names: Names, to trace: Trace) {
            guard var found = waiting[trace] else { return }
            found.deliveries = found.lent == names ? found.deliveries + 1 : 1
            found.lent = names
            waiting[trace] = found
            guard found.deliveries >= Self.deliveries else { return }
            forget(trace)
            let place = order[oldest...].firstIndex(of: trace)
            if let place { order.remove(at: place) }
        }

        private mutating func forget(_ trace: Trace) {
            guard let gone = waiting.removeValue(forKey: trace) else { return }
            waitingCount -= 1 + gone.others.count
        }
    }
}

/// The ids of groups of calls without a session: neighbours nearly always belong to the same.
struct GroupNames {
    private var latest: (service: String, details: [String?], day: Int64, id: String)?

    mutating func id(service: String, of origin: CallOrigin, at time: Timestamp) -> String {
        let details = [origin.user, origin.project, origin.machine, origin.team]
        let day = time.nanoseconds / 86_400_000_000_000
        if let latest, latest.day == day, latest.service == service, latest.details == details { return latest.id }
        let id = SessionGroup.id(service: service, at: time, details: details)
        latest = (service, details, day, id)
        return id
    }
}
