// SPDX-License-Identifier: Apache-2.0

/// Which spans are named as ancestors by observations of a delivery, and when those ended.
struct SpanFamily {
    /// Every mention of an ancestor, sorted.
    private var mentions: [Mention] = []

    private struct Mention: Comparable {
        var span: UInt64
        var time: Timestamp
        var kind: UInt64
        var figures: UInt64

        static func < (left: Mention, right: Mention) -> Bool { (left.span, left.time) < (right.span, right.time) }
    }

    init(_ observations: some Sequence<LedgerTraits>) {
        for traits in observations {
            traits.trace.ancestors.forEach {
                mentions.append(
                    Mention(span: $0, time: traits.time, kind: traits.trace.kind, figures: traits.figures)
                )
            }
        }
        mentions.sort()
    }

    /// Whether a span repeats what one of them reports that is below it and ended near enough to belong to its trace.
    func isRollUp(_ ancestor: LedgerTraits) -> Bool {
        let span = ancestor.trace.span
        guard span != 0, !mentions.isEmpty else { return false }
        var (low, high) = (0, mentions.count)
        while low < high {
            let middle = (low + high) / 2
            if mentions[middle].span < span { low = middle + 1 } else { high = middle }
        }
        return mentions[low...].prefix { $0.span == span }.contains { mention in
            Ledger.isNear(mention.time, ancestor.time)
                && Self.repeats(ancestor, kind: mention.kind, figures: mention.figures)
        }
    }

    /// Whether an ancestor repeats the figures of a descendant, judged by what both are.
    ///
    /// A wrapper sums up what is below it. A span of the same scope and name with other figures is no wrapper: Google ADK 1 runs the
    /// calls of the agent that it hands over to inside the span of the call that asked for it.
    static func repeats(_ ancestor: LedgerTraits, kind: UInt64, figures: UInt64) -> Bool {
        ancestor.trace.kind == 0 || ancestor.trace.kind != kind || ancestor.figures == figures
    }
}
