// SPDX-License-Identifier: Apache-2.0

/// The ways in which two observations that share no id can be reports of one call.
public enum ResemblanceRule: Sendable, CaseIterable {
    /// One agent, one session (or trace) and one size of the prompt, near in time.
    case weakKey
    /// One process, one size of prompt and answer, and one interval inside the other: two libraries that report a call in two traces.
    case interval

    /// What two observations must have in common; zero for one that the rule does not apply to.
    func key(of observation: borrowing Observation) -> UInt64 {
        switch self {
        case .weakKey: observation.weakKey
        case .interval: observation.intervalKey
        }
    }

    /// The cell in which the rule looks for others.
    func cell(of traits: LedgerTraits) -> ResemblanceCell? {
        switch self {
        case .weakKey: ResemblanceCell(key: traits.weakKey, time: traits.time)
        case .interval: ResemblanceCell(key: traits.intervalKey, time: traits.time)
        }
    }

    func cell(of observation: borrowing Observation) -> ResemblanceCell? {
        ResemblanceCell(key: key(of: observation), time: observation.time)
    }
}
