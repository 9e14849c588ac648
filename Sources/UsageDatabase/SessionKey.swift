// SPDX-License-Identifier: Apache-2.0

package import Usage

/// Which session's row a call belongs to in a database.
///
/// Calls without a session share a hidden row for each agent, user, project, machine and team.
package struct SessionKey: Hashable, Sendable {
    /// The session's id; for a hidden row its names.
    package var id: String
    /// Whether it is the row of calls without a session.
    package var isHidden: Bool

    /// The key of a session.
    package init(id: String, isHidden: Bool = false) { (self.id, self.isHidden) = (id, isHidden) }

    /// The key of a call's session.
    ///
    /// - Parameter namesAbsentTeam: Whether a hidden row of calls without a team has an empty fifth name; rows of versions that knew no
    ///   team have four.
    package init(of call: Call, namesAbsentTeam: Bool) {
        if let session = call.session {
            self.init(id: session)
            return
        }
        var names = [call.agent, call.user, call.project, call.machine]
        if namesAbsentTeam || call.team != nil { names.append(call.team) }
        self.init(id: names.map { $0 ?? "" }.joined(separator: "\u{1F}"), isHidden: true)
    }

    /// What a call reports of the hidden row it belongs to; nil for one that has a session.
    package func update(by call: Call) -> SessionUpdate? {
        guard isHidden else { return nil }
        var update = SessionUpdate(id: id, time: call.time)
        (update.agent, update.user, update.project, update.machine, update.team) = (
            call.agent, call.user, call.project, call.machine, call.team
        )
        return update
    }
}
