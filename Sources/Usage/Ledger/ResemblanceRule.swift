// SPDX-License-Identifier: Apache-2.0

/// The ways in which two observations that share no id can be reports of one call.
public enum ResemblanceRule: Sendable, CaseIterable {
    /// One agent, one session (or trace) and one size of the prompt, near in time.
    case blockingKey
    /// One process, one size of prompt and answer, and one interval inside the other: two libraries that report a call in two traces.
    case interval

    /// What two observations must have in common; zero for one that the rule does not apply to.
    func key(of observation: borrowing Observation) -> UInt64 {
        switch self {
        case .blockingKey: observation.blockingKey
        case .interval: observation.intervalKey
        }
    }

    /// The cell in which the rule looks for others.
    func cell(of traits: LedgerTraits) -> MatchBucket? {
        switch self {
        case .blockingKey: MatchBucket(key: traits.blockingKey, time: traits.time)
        case .interval: MatchBucket(key: traits.intervalKey, time: traits.time)
        }
    }

    func cell(of observation: borrowing Observation) -> MatchBucket? {
        MatchBucket(key: key(of: observation), time: observation.time)
    }
}
