// SPDX-License-Identifier: Apache-2.0

public import Files
import FoundationEssentials
import Synchronization
public import Usage

/// What agents say of themselves, kept in `limits.json` under the program's folder: the limits of their subscriptions, and how full the
/// context of a session is and what it has cost by their own reckoning.
///
/// One object for a whole collector (``SharedParts/limits(in:)``): components that read reports note them here, the hub answers from here.
/// Whatever the store is, the file is the same. Noting writes nothing: ``keep(now:)`` does, in one step and merged with what another
/// process wrote meanwhile. Safe to use from many tasks at once.
public final class LimitBook: Sendable {
    private let path: String
    private let state = Mutex(State())
    /// Held while the file is written, so that of two writes the later one has more.
    private let writing = Mutex(())

    private struct State {
        var limits = NewestReports<UsageLimit>()
        var sessions = NewestReports<SessionReading>()
        /// How often something was noted, and at which count the file was written.
        var changes = 0
        var kept = 0
        var isLoaded = false
        var problem: String?
    }

    /// The content of the file; versions before the first with ``sessions`` have limits alone.
    private struct Content: Codable {
        var limits: [UsageLimit]
        var sessions: [SessionReading]?
    }

    /// The largest file that is read.
    private static let largest = 4 << 20

    /// Creates a book; nothing is read before it is first asked.
    ///
    /// - Parameter home: The folder of the file.
    public init(home: String) { path = "\(home)/limits.json" }

    /// Takes in reports; cheap, writes nothing.
    public func note(_ limits: [UsageLimit], now: Timestamp) {
        guard !limits.isEmpty else { return }
        state.withLock { state in
            let before = state.limits
            for limit in limits { state.limits.note(limit, now: now) }
            if state.limits != before { state.changes += 1 }
        }
    }

    /// Takes in what an agent says of a session; cheap, writes nothing.
    public func note(_ reading: SessionReading, now: Timestamp) {
        state.withLock { state in
            let before = state.sessions
            state.sessions.note(reading, now: now)
            if state.sessions != before { state.changes += 1 }
        }
    }

    /// The newest report of each limit, ordered by agent, account, machine and name.
    public func limits(now: Timestamp) -> [UsageLimit] {
        loadOnce(now)
        return state.withLock { $0.limits.reports }
    }

    /// What its agent says of a session; nil when it said nothing of it in the last weeks.
    public func reading(ofSession id: String, now: Timestamp) -> SessionReading? {
        loadOnce(now)
        return state.withLock { $0.sessions[NameLimit.bounded(id)] }
    }

    private func loadOnce(_ now: Timestamp) {
        let isLoaded = state.withLock(\.isLoaded)
        if !isLoaded { load(now) }
    }

    /// Why the file could not be read when it was last tried; nil when it could, or there is none.
    public var problem: String? { state.withLock(\.problem) }

    /// Writes what was noted since the last time; does nothing when that is nothing.
    ///
    /// - Throws: `FileError`; what was noted stays noted and is written the next time.
    public func keep(now: Timestamp) throws(FileError) {
        let isKept = state.withLock { $0.changes == $0.kept }
        if isKept { return }
        let failure: FileError? = writing.withLock { _ in
            load(now)
            let (content, changes) = state.withLock { state in
                (Content(limits: state.limits.reports, sessions: state.sessions.reports), state.changes)
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            guard let bytes = try? encoder.encode(content) else { return nil }
            do throws(FileError) {
                try FileReplacement.replace(path, with: Array(bytes))
            } catch {
                return error
            }
            state.withLock { $0.kept = max($0.kept, changes) }
            return nil
        }
        if let failure { throw failure }
    }

    /// Merges what the file has.
    private func load(_ now: Timestamp) {
        var (read, problem): (Content?, String?) = (nil, nil)
        do throws(FileError) {
            if let bytes = try OwnFile.content(path, largest: Self.largest) {
                read = try? JSONDecoder().decode(Content.self, from: Data(bytes))
                if read == nil { problem = "\(path) is damaged; limits are known again when agents report them" }
            }
        } catch {
            problem = "\(path) cannot be read: \(error.reason)"
        }
        let (content, fault) = (read, problem)
        state.withLock { state in
            (state.isLoaded, state.problem) = (true, fault)
            guard let content else { return }
            state.limits.merge(content.limits, now: now)
            state.sessions.merge(content.sessions ?? [], now: now)
        }
    }
}
