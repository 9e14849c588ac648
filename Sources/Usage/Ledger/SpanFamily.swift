// SPDX-License-Identifier: Apache-2.0

/// Which observations of a change are named as ancestors by others of it, and when those others ended.
struct SpanFamily {
    /// The ends of an observation's descendants in order of time.
    struct Descendants {
        fileprivate(set) var times: [Timestamp] = []

        /// Whether one of them is near enough to an instant to belong to one trace with it.
        func areNear(_ time: Timestamp) -> Bool {
            var (low, high) = (0, times.count)
            while low < high {
                let middle = (low + high) / 2
                if times[middle] < time { low = middle + 1 } else { high = middle }
            }
            return times[max(0, low - 1)..<min(times.count, low + 1)].contains { Ledger.isNear($0, time) }
        }
    }

    /// The descendants of each observation that has any, by its identity.
    let ancestors: [(id: UInt64, descendants: Descendants)]

    init(_ observations: some Collection<Observation>) {
        var times: [UInt64: Descendants] = [:]
        for observation in observations {
            for ancestor in observation.trace.ancestors.values {
                times[ancestor, default: Descendants()].times.append(observation.time)
            }
        }
        for span in times.keys { times[span]?.times.sort() }
        ancestors = observations.compactMap { observation in
            guard observation.trace.span != 0, let descendants = times[observation.trace.span] else { return nil }
            return (observation.id, descendants)
        }
    }
}
