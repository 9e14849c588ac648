// SPDX-License-Identifier: Apache-2.0

/// The ids under which a call is known, each a ``StableHash`` of kind and id; zero means that the source does not know it.
///
/// The kinds have an order: a request id decides over a response id, as does an answer, and all of them decide over a lineage.
/// Observations with different ids of a kind that decides are different calls, whatever weaker key they share (``CallGrouping``).
public struct CallKeys: Sendable, Hashable {
    /// The id the API gave to the request (`req_…`).
    public var request: UInt64 = 0
    /// A response id together with the size of the prompt, where a gateway may have made the id and there is no request id.
    public var answer: UInt64 = 0
    /// The id the API gave to its answer (`msg_…`, `chatcmpl-…`, `resp_…`).
    public var response: UInt64 = 0
    /// The place in a rollout's history, or the id that a sender chose for its own event.
    public var lineage: UInt64 = 0

    /// Creates keys that name nothing.
    public init() {}

    /// The key of an event by the id that its sender chose; it is also the id of the event's call.
    public static func eventKey(_ id: String) -> UInt64 {
        var hash = StableHash(domain: "event")
        hash.combine(id)
        return hash.value
    }

    /// The kinds of ids that are known, as bits; observations that share a kind are never joined by resemblance.
    ///
    /// An answer is no kind of its own: it always has its response id beside it.
    public var kinds: UInt8 {
        (request == 0 ? 0 : 1) | (response == 0 ? 0 : 2) | (lineage == 0 ? 0 : 4)
    }

    /// The first key that is known, the strongest kind first.
    public var strongest: UInt64? {
        if request != 0 { return request }
        if answer != 0 { return answer }
        return response != 0 ? response : lineage != 0 ? lineage : nil
    }

    /// Calls `body` with each key that is known.
    public func forEach(_ body: (UInt64) throws -> Void) rethrows {
        if request != 0 { try body(request) }
        if answer != 0 { try body(answer) }
        if response != 0 { try body(response) }
        if lineage != 0 { try body(lineage) }
    }

    /// Whether no id is known.
    public var isEmpty: Bool { kinds == 0 && answer == 0 }

    /// Fills what is not known; of two ids of one kind the smaller stays, so that the order does not matter.
    public mutating func fill(from other: CallKeys) {
        func pick(_ left: UInt64, _ right: UInt64) -> UInt64 {
            left == 0 ? right : right == 0 ? left : min(left, right)
        }
        request = pick(request, other.request)
        answer = pick(answer, other.answer)
        response = pick(response, other.response)
        lineage = pick(lineage, other.lineage)
    }
}

/// The place of a span in its trace, as hashes of trace and span id; zero means none.
///
/// A span that reports usage and has a descendant that does, too, is a roll-up: its tokens are the descendant's over again. Only a
/// descendant of the same ``kind`` with other figures is a call beside it.
public struct TraceLinks: Sendable, Hashable {
    /// The span itself.
    public var span: UInt64 = 0
    /// The nearest known ancestors: the parent first, then, through spans of the same batch, theirs.
    public var ancestors = InlineAncestors()
    /// What the span is: its instrumentation scope and its name, hashed; zero when it is not known.
    public var kind: UInt64 = 0
    /// Whether a descendant reports usage, too.
    public var isRollUp = false

    /// Creates links that point nowhere.
    public init() {}

    /// The hash of a span of a trace, under which other batches and stores find it.
    public static func hash(traceHigh: UInt64, traceLow: UInt64, span: UInt64) -> UInt64 {
        var hash = start
        hash.combine(traceHigh)
        hash.combine(traceLow)
        hash.combine(span)
        return hash.value
    }

    private static let start = StableHash(domain: "span")

    /// Whether taking in a second delivery would change nothing.
    func covers(_ other: TraceLinks) -> Bool {
        var merged = self
        merged.merge(other)
        return merged == self
    }

    /// Takes in what a second delivery knows.
    public mutating func merge(_ other: TraceLinks) {
        span = span == 0 ? other.span : other.span == 0 ? span : min(span, other.span)
        kind = kind == 0 ? other.kind : other.kind == 0 ? kind : min(kind, other.kind)
        isRollUp = isRollUp || other.isRollUp
        other.ancestors.forEach { ancestors.insert($0) }
    }
}

/// Up to four ancestors without a heap allocation, smallest hash first; more are dropped, largest first.
public struct InlineAncestors: Sendable, Hashable {
    private var a: UInt64 = 0
    private var b: UInt64 = 0
    private var c: UInt64 = 0
    private var d: UInt64 = 0

    /// Creates an empty set.
    public init() {}

    /// The ancestors, smallest first.
    public var values: [UInt64] { a == 0 ? [] : [a, b, c, d].filter { $0 != 0 } }

    /// Whether there are none.
    public var isEmpty: Bool { a == 0 }

    /// Calls `body` with each ancestor, smallest first.
    public func forEach(_ body: (UInt64) throws -> Void) rethrows {
        if a != 0 { try body(a) }
        if b != 0 { try body(b) }
        if c != 0 { try body(c) }
        if d != 0 { try body(d) }
    }

    /// Whether a span is among them.
    public func contains(_ span: UInt64) -> Bool { span != 0 && (span == a || span == b || span == c || span == d) }

    /// Adds one; the set stays sorted and free of repeats.
    public mutating func insert(_ value: UInt64) {
        guard value != 0, value != a, value != b, value != c, value != d else { return }
        var rest = value
        Self.sink(&rest, into: &a)
        Self.sink(&rest, into: &b)
        Self.sink(&rest, into: &c)
        Self.sink(&rest, into: &d)
    }

    /// Leaves the smaller of two in the slot and the larger to go on; zero is an empty slot.
    private static func sink(_ value: inout UInt64, into slot: inout UInt64) {
        if slot == 0 || (value != 0 && value < slot) { swap(&value, &slot) }
    }
}
