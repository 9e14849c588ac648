// SPDX-License-Identifier: Apache-2.0

/// Which spans are named as ancestors by observations of a delivery, and when those ended.
struct SpanFamily {
    /// Every mention of an ancestor, sorted.
    private var mentions: [Mention] = []

    private struct Mention: Comparable {
        var span: UInt64
        var time: Timestamp

        static func < (left: Mention, right: Mention) -> Bool { (left.span, left.time) < (right.span, right.time) }
    }

    init(_ sightings: some Sequence<LedgerTraits>) {
        for sighting in sightings {
            sighting.trace.ancestors.forEach { mentions.append(Mention(span: $0, time: sighting.time)) }
        }
        mentions.sort()
    }

    /// Whether a span that ended then is the ancestor of one of them that ended near enough to belong to its trace.
    func isAncestor(_ span: UInt64, _ time: Timestamp) -> Bool {
        guard span != 0, !mentions.isEmpty else { return false }
        let wanted = Mention(span: span, time: time)
        var (low, high) = (0, mentions.count)
        while low < high {
            let middle = (low + high) / 2
            if mentions[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return mentions[max(0, low - 1)..<min(mentions.count, low + 1)].contains {
            $0.span == span && Ledger.isNear($0.time, time)
        }
    }
}
