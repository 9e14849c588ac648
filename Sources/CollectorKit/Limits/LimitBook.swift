// SPDX-License-Identifier: Apache-2.0

public import Files
import FoundationEssentials
import Synchronization
public import Usage

/// The limits of subscriptions that agents reported, kept in `limits.json` under the program's folder.
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
        var limits = UsageLimits()
        /// How often something was noted, and at which count the file was written.
        var changes = 0
        var kept = 0
        var isLoaded = false
        var problem: String?
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

    /// The newest report of each limit, ordered by agent, account, machine and name.
    public func limits(now: Timestamp) -> [UsageLimit] {
        let isLoaded = state.withLock(\.isLoaded)
        if !isLoaded { load(now) }
        return state.withLock { $0.limits.limits }
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
            let (limits, changes) = state.withLock { ($0.limits, $0.changes) }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            guard let bytes = try? encoder.encode(limits) else { return nil }
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
        var (read, problem): (UsageLimits?, String?) = (nil, nil)
        do throws(FileError) {
            if let bytes = try OwnFile.content(path, largest: Self.largest) {
                read = try? JSONDecoder().decode(UsageLimits.self, from: Data(bytes))
                if read == nil { problem = "\(path) is damaged; limits are known again when agents report them" }
            }
        } catch {
            problem = "\(path) cannot be read: \(error.reason)"
        }
        let (limits, fault) = (read, problem)
        state.withLock { state in
            (state.isLoaded, state.problem) = (true, fault)
            if let limits { state.limits.merge(limits, now: now) }
        }
    }
}
