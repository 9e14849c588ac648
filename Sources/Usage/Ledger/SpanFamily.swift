// SPDX-License-Identifier: Apache-2.0

/// Which spans are named as ancestors by observations of a delivery, and when those ended.
struct SpanFamily {
    private var ends: [UInt64: [Timestamp]] = [:]

    init(_ observations: some Sequence<Observation>) {
        for observation in observations {
            observation.trace.ancestors.forEach { ends[$0, default: []].append(observation.time) }
        }
        for span in ends.keys { ends[span]?.sort() }
    }

    /// Whether an observation is the ancestor of one of them that ended near enough to belong to its trace.
    func isAncestor(_ observation: Observation) -> Bool {
        guard observation.trace.span != 0, let times = ends[observation.trace.span] else { return false }
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < observation.time { low = middle + 1 } else { high = middle }
        }
        return times[max(0, low - 1)..<min(times.count, low + 1)].contains { Ledger.isNear($0, observation.time) }
    }
}
