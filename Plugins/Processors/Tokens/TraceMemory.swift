// SPDX-License-Identifier: Apache-2.0

import OTLP
import Synchronization
import Usage

/// Connects spans of one trace that arrive in different batches.
///
/// A span is exported when it ends, so a call arrives before the agent that made it, often in an earlier batch; the session on the
/// agent's span, and its sum, arrive later. The memory lives as long as the collector and is bounded. A trace that was evicted, or
/// that is sent to another collector, has only the contents of its own batch. Safe to use from many tasks at once.
final class TraceMemory: Sendable {
    private let state = Mutex(State())

    /// Calls `body` with exclusive access to the memory.
    func exchange(_ body: (inout State) -> Void) {
        state.withLock { state in body(&state) }
    }

    /// Whether some span is known to be above one with usage, so that spans of later batches must be examined.
    var expectsAncestors: Bool { state.withLock { $0.expectsAncestors } }

    /// A trace, by its id.
    struct Trace: Hashable {
        let high: UInt64
        let low: UInt64

        init(_ record: RecordEntry) { (high, low) = (record.traceHigh, record.traceLow) }

        fileprivate init() { (high, low) = (0, 0) }

        /// Whether the id is not zero.
        var isKnown: Bool { high | low != 0 }

        var hash: UInt64 { (high ^ low) &* 0x9E37_79B9_7F4A_7C15 }

        func hash(into hasher: inout Hasher) { hasher.combine(high ^ low) }
    }

    /// The session and user that spans of a trace name.
    struct Names: Hashable {
        var session = Name.none
        var user = Name.none

        /// Adds the names of other spans.
        mutating func merge(_ other: Names) {
            session.merge(other.session)
            user.merge(other.user)
        }
    }

    /// A name that can be supplied to calls as long as it is the only one.
    enum Name: Hashable {
        case none
        case one(String)
        case several

        var only: String? {
            guard case .one(let name) = self else { return nil }
            return name
        }

        /// Adds another name; two different names cannot be supplied.
        mutating func merge(_ other: Name) {
            switch (self, other) {
            case (_, .none): break
            case (.none, _): self = other
            default: if self != other { self = .several }
            }
        }
    }

    /// The contents of the memory, in tables of fixed size in which a newer trace replaces an older one.
    struct State {
        /// The sums of agents, and the calls that they may contain.
        var sums = AgentSums()
        /// The traces whose names are known; zero for none.
        ///
        /// Beside the names, so that a search compares numbers and counts no references.
        private var traces: [Trace] = []
        private var names: [Names] = []
        private var above: [UInt64] = []
        private var parents: [(span: UInt64, parent: UInt64)] = []
        private var waiting: [Trace: Waiting] = [:]
        /// The traces in ``waiting`` from ``oldest`` on, in order of arrival; those before it were removed.
        private var order: [Trace] = []
        private var oldest = 0
        private var waitingCount = 0
        /// Whether any span has named a user.
        private(set) var knowsUsers = false

        private static let traceCapacity = 4_096
        private static let spanCapacity = 16_384
        private static let waitingCapacity = 2_048
        private static let waitingPerTrace = 256
        /// A failed batch is sent again, so waiting calls are completed more than once.
        private static let deliveries = 3

        private struct Waiting {
            /// The first call and the others: nearly all traces have one, which needs no array.
            var first: Observation
            var others: [Observation] = []
            /// The names supplied last, and how often.
            var lent = Names()
            var deliveries = 0
        }

        // MARK: Spans above others

        /// Records the parent of a span without an observation.
        mutating func note(parent: UInt64, of span: UInt64) {
            if parents.isEmpty { parents = .init(repeating: (0, 0), count: Self.spanCapacity) }
            parents[place(of: span)] = (span, parent)
        }

        /// The first span at or above a span of an earlier batch that may have an observation.
        func climb(from span: UInt64) -> UInt64 {
            guard !parents.isEmpty else { return span }
            var span = span
            // The limit ends a cycle in invalid data.
            for _ in 0..<64 {
                let known = parents[place(of: span)]
                guard known.span == span else { break }
                span = known.parent
            }
            return span
        }

        var expectsAncestors: Bool { !above.isEmpty }

        /// Records that a span, which has not arrived yet, is above one with usage.
        mutating func note(above span: UInt64) {
            if above.isEmpty { above = [UInt64](repeating: 0, count: Self.spanCapacity) }
            above[place(of: span)] = span
        }

        /// Whether a span is known to be above one with usage.
        func isAbove(_ span: UInt64) -> Bool { !above.isEmpty && above[place(of: span)] == span }

        private func place(of span: UInt64) -> Int { Int(truncatingIfNeeded: span) & (Self.spanCapacity - 1) }

        // MARK: Names

        /// The known names of a trace.
        func names(of trace: Trace) -> Names? { place(of: trace).map { names[$0] } }

        /// Records the names of a trace's spans, and returns all known names of the trace.
        mutating func note(_ other: Names, of trace: Trace) -> Names {
            if names.isEmpty {
                names = .init(repeating: Names(), count: Self.traceCapacity)
                traces = .init(repeating: Trace(), count: Self.traceCapacity)
            }
            if other.user != .none { knowsUsers = true }
            guard let place = place(of: trace) else {
                let places = Self.places(of: trace)
                for place in places.dropFirst().reversed() {
                    (traces[place], names[place]) = (traces[place - 1], names[place - 1])
                }
                (traces[places.lowerBound], names[places.lowerBound]) = (trace, other)
                return other
            }
            guard names[place] != other else { return other }
            names[place].merge(other)
            return names[place]
        }

        private func place(of trace: Trace) -> Int? {
            guard !traces.isEmpty, trace.isKnown else { return nil }
            for place in Self.places(of: trace) where traces[place] == trace { return place }
            return nil
        }

        /// The places that a trace can have, of which the first has the newest: with one place each, of 75 traces two would often
        /// have the same.
        private static func places(of trace: Trace) -> Range<Int> {
            let first = Int(truncatingIfNeeded: trace.hash >> 52) & (traceCapacity - 1) & ~7
            return first..<first + 8
        }

        // MARK: Calls without a session or a user

        /// Keeps a call that names no session or no user, until a later span of its trace does.
        ///
        /// - Parameter lent: What its own batch lent to it, which is not lent again.
        mutating func keep(_ observation: Observation, of trace: Trace, lent: Names? = nil) {
            while waitingCount >= Self.waitingCapacity, oldest < order.count {
                forget(order[oldest])
                oldest += 1
            }
            // Compacted from time to time: moving all entries for each removed trace would cost more than all other work here.
            if oldest >= Self.waitingCapacity {
                order.removeFirst(oldest)
                oldest = 0
            }
            guard let index = waiting.index(forKey: trace) else {
                var added = Waiting(first: observation)
                if let lent { (added.lent, added.deliveries) = (lent, Self.deliveries) }
                waiting[trace] = added
                order.append(trace)
                return waitingCount += 1
            }
            guard waiting.values[index].others.count + 1 < Self.waitingPerTrace else { return }
            waiting.values[index].others.append(observation)
            if lent == nil { waiting.values[index].deliveries = 0 }
            waitingCount += 1
        }

        /// Whether any call waits.
        var hasKept: Bool { !waiting.isEmpty }

        /// Whether a call of a trace waits.
        func hasKept(of trace: Trace) -> Bool { waiting[trace] != nil }

        /// The kept calls of a trace.
        func kept(of trace: Trace) -> [Observation] { waiting[trace].map { [$0.first] + $0.others } ?? [] }

        /// Notes that names were lent to the calls of a trace; the calls stay, because a second session takes the first back.
        mutating func noteLent(_ names: Names, to trace: Trace) {
            guard let index = waiting.index(forKey: trace) else { return }
            let isAgain = waiting.values[index].lent == names
            waiting.values[index].deliveries = isAgain ? waiting.values[index].deliveries + 1 : 1
            waiting.values[index].lent = names
        }

        /// Whether the same names were lent to the calls of a trace often enough.
        func isSettled(_ names: Names, of trace: Trace) -> Bool {
            guard let found = waiting[trace] else { return true }
            return found.deliveries >= Self.deliveries && found.lent == names
        }

        private mutating func forget(_ trace: Trace) {
            guard let gone = waiting.removeValue(forKey: trace) else { return }
            waitingCount -= 1 + gone.others.count
        }
    }
}

/// The ids of groups of calls without a session: neighbouring calls nearly always belong to the same.
struct GroupNames {
    private var latest: (service: String, details: [String?], day: Int64, id: String)?

    mutating func id(service: String, of origin: CallOrigin, at time: Timestamp) -> String {
        let details = origin.groupDetails
        let day = time.nanoseconds / 86_400_000_000_000
        if let latest, latest.day == day, latest.service == service, latest.details == details { return latest.id }
        let id = SessionGroup.id(service: service, at: time, details: details)
        latest = (service, details, day, id)
        return id
    }
}
