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
