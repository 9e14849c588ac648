// SPDX-License-Identifier: Apache-2.0

/// What decides with which others an observation has to do: everything but its texts and figures.
///
/// Numbers only, so that the ledger can hand it around without counting references to a dozen texts.
struct LedgerTraits {
    let id: UInt64
    let time: Timestamp
    let keys: CallKeys
    var trace: TraceLinks
    let blockingKey: UInt64
    let intervalKey: UInt64
    /// Size of prompt and answer, to distinguish a span that repeats another from one that has figures of its own.
    let figures: UInt64
    private let isSideChain: Bool

    init(_ observation: borrowing Observation) {
        id = observation.id
        time = observation.time
        keys = observation.keys
        trace = observation.trace
        blockingKey = observation.blockingKey
        intervalKey = observation.intervalKey
        isSideChain = observation.isSideChain
        figures =
            UInt64(bitPattern: observation.counts.prompt) &* 0x9E37_79B9_7F4A_7C15
            ^ UInt64(bitPattern: observation.counts.output)
    }

    /// What decides over a lineage, as bits: a request id or an answer (1), a response id (2); the first decides over a response id.
    ///
    /// The request id of a side chain does not: a side chain can repeat a call of its parent under a new one.
    private var overLineage: UInt8 { overResponse | keys.kinds & 2 }
    private var overResponse: UInt8 { keys.answer != 0 || (keys.request != 0 && !isSideChain) ? 1 : 0 }

    /// Calls `body` with the links that are not a cell of resemblance.
    @inline(__always)
    func forEachLinkButCell(_ body: (LedgerLink) throws -> Void) rethrows {
        if keys.request != 0 { try body(.key(keys.request)) }
        if keys.answer != 0 { try body(.key(keys.answer)) }
        if keys.response != 0 { try body(.key(keys.response, besides: overResponse)) }
        if keys.lineage != 0 { try body(.key(keys.lineage, besides: overLineage)) }
        if trace.span != 0 { try body(.span(trace.span)) }
        if keys.isEmpty, trace.span == 0 { try body(.identity(id)) }
        try trace.ancestors.forEach { try body(.ancestor($0)) }
    }

    /// Calls `body` with the links of ids beside which a stronger id decides.
    func forEachLinkBesideStronger(_ body: (LedgerLink) throws -> Void) rethrows {
        if keys.response != 0, overResponse != 0 { try body(.key(keys.response, besides: overResponse)) }
        if keys.lineage != 0, overLineage != 0 { try body(.key(keys.lineage, besides: overLineage)) }
    }

    /// A link under which observations lie that an id can join with this one.
    struct Joining {
        var link: LedgerLink
        /// The id.
        var key: UInt64
        /// Whether the observation itself lies under the link, too.
        var isOwn: Bool
        /// Whether what lies under it holds an id that decides over this one.
        var isDecided: Bool
    }

    /// Calls `body` with each link under which an id can join others with this observation.
    ///
    /// What holds an id that decides, and differs, lies under other links: however many calls share a weak id, they are not looked at.
    @inline(__always)
    func forEachJoiningLink(_ body: (Joining) throws -> Void) rethrows {
        if keys.request != 0 {
            try body(Joining(link: .key(keys.request), key: keys.request, isOwn: true, isDecided: false))
        }
        if keys.answer != 0 {
            try body(Joining(link: .key(keys.answer), key: keys.answer, isOwn: true, isDecided: false))
        }
        if keys.response != 0 { try forEachLink(keys.response, own: overResponse, 0...1, body) }
        if keys.lineage != 0 { try forEachLink(keys.lineage, own: overLineage, 0...3, body) }
    }

    @inline(__always)
    private func forEachLink(
        _ key: UInt64,
        own: UInt8,
        _ all: ClosedRange<UInt8>,
        _ body: (Joining) throws -> Void
    ) rethrows {
        for besides in all where besides & own == 0 {
            try body(
                Joining(
                    link: .key(key, besides: besides),
                    key: key,
                    isOwn: besides == own,
                    isDecided: besides != 0
                )
            )
        }
    }

    /// The link that leads to the stored state of the same observation, if there is one.
    ///
    /// The id of an observation is made of its strongest key, so a copy of it has that key, too.
    var identifyingLink: LedgerLink {
        if keys.request != 0 { return .key(keys.request) }
        if keys.answer != 0 { return .key(keys.answer) }
        if keys.response != 0 { return .key(keys.response) }
        if keys.lineage != 0 { return .key(keys.lineage) }
        return trace.span == 0 ? .identity(id) : .span(trace.span)
    }
}
