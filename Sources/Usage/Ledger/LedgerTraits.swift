// SPDX-License-Identifier: Apache-2.0

/// What decides with which others an observation has to do: everything but its texts and figures.
///
/// Numbers only, so that the ledger can hand it around without counting references to a dozen texts.
struct LedgerTraits {
    let id: UInt64
    let time: Timestamp
    let keys: CallKeys
    var trace: TraceLinks
    let weakKey: UInt64

    init(_ observation: borrowing Observation) {
        id = observation.id
        time = observation.time
        keys = observation.keys
        trace = observation.trace
        weakKey = observation.weakKey
    }

    /// Calls `body` with the links that are not a cell of resemblance.
    @inline(__always)
    func forEachLinkButCell(_ body: (LedgerLink) throws -> Void) rethrows {
        try keys.forEach { try body(.key($0)) }
        if trace.span != 0 { try body(.span(trace.span)) }
        if keys.isEmpty, trace.span == 0 { try body(.identity(id)) }
        try trace.ancestors.forEach { try body(.ancestor($0)) }
    }

    /// The links one of which leads to the stored state of the same sighting, if there is one.
    @inline(__always)
    func forEachIdentifyingLink(_ body: (LedgerLink) throws -> Void) rethrows {
        if !keys.isEmpty { return try keys.forEach { try body(.key($0)) } }
        try body(trace.span == 0 ? .identity(id) : .span(trace.span))
    }
}
