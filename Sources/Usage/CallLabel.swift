// SPDX-License-Identifier: Apache-2.0

/// A name by which calls are summed that something other than the sender may add to a call.
public enum CallLabel: String, Sendable, CaseIterable {
    /// The person or account.
    case user
    /// The repository or project.
    case project
    /// The machine.
    case machine
    /// The team that pays.
    case team
}

extension Observation {
    /// Adds a name that the call lacks; a name that it has stays, because a sender knows best, and labels come in any order.
    ///
    /// A call without a session moves to the group of its names: sums by names are made from sessions.
    public mutating func add(_ label: CallLabel, _ text: String) {
        let name = NameLimit.bounded(label == .project ? ProjectPath.key(of: text) ?? text : text)
        guard !name.isEmpty else { return }
        var origin = self.origin.value
        switch label {
        case .user where origin.user == nil: origin.user = name
        case .project where origin.project == nil: origin.project = name
        case .machine where origin.machine == nil: origin.machine = name
        case .team where origin.team == nil: origin.team = name
        default: return
        }
        origin.nameGroup()
        self.origin = SharedOrigin(origin)
    }
}
