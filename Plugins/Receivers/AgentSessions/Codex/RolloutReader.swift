// SPDX-License-Identifier: Apache-2.0

import JSON
import OTLP
import Usage

/// What is known so far of a rollout's thread.
struct RolloutState: Equatable {
    var thread: String?
    /// The oldest known ancestor, whose history this thread continues.
    var root: String?
    var parent: String?
    /// The threads whose history this one continues; forgotten when its own turns have begun.
    var ancestors = ThreadAncestors()
    var provider: String?
    var model: String?
    var branch: String?
    var version: String?
    var project: String?
    var name: String?
    /// The vendor's id of the account that made the thread.
    var account: String?
    /// Lines with a smaller ordinal are copies of the parent's.
    var historyStart: Int64 = 0
    /// Whether calls are reported one by one, which makes running totals redundant.
    var hasRecords = false
    /// Whether the thread continues its parent's history.
    var isFork = false
    /// How far the thread has come from its parent's history to its own.
    var history = ThreadHistory.Progress()
    var running = RunningTotal()
    /// The newest time of any line, and the newest that was reported.
    var lastSeen: Int64 = 0
    var lastReported: Int64 = 0
}

/// Reads a rollout of Codex: calls from its usage records or, in versions that have none, from the growth of its running totals.
///
/// A call is named by its response's id, and by the total after it in the history which a thread shares with its forks; so a call
/// that a fork replays, or that is read again after the file was moved or compressed, is known again.
final class RolloutReader: SessionReader {
    private var facts: RolloutState
    private let place: SessionPlace
    private let projects: ProjectNames
    private let lineages: Lineages
    private let histories: ThreadHistories
    private var instants = InstantReader()
    /// Made when it is first asked for: most rollouts say who made each call.
    private var history: ThreadHistory?
    /// The figures of the newest call that was taken from a total.
    private var latestGrowth: TokenVector?
    /// The newest reports of limits, by their names; not yet handed on.
    private var limits: [String: LimitRecord] = [:]
    /// When the thread was made; zero when reading did not begin with the first line.
    private var created: Int64 = 0

    init(
        _ state: RolloutState,
        place: SessionPlace,
        projects: ProjectNames,
        lineages: Lineages,
        histories: ThreadHistories
    ) {
        facts = state
        self.place = place
        self.projects = projects
        self.lineages = lineages
        self.histories = histories
    }

    var state: ReaderState { .rollout(facts) }

    func read(_ line: LineBytes, into sink: inout RecordSink) throws(LineFault) {
        guard let line = try line.object(),
            RolloutLine.isOfInterest(line, unknownType: { sink.skip(unknownType: $0) })
        else { return }
        let parsed = try RolloutLine(line)
        guard let type = parsed.type, let payload = parsed.payload else { return }
        let time = note(parsed)
        if type.equals("session_meta") {
            identify(payload, time, into: &sink)
        } else if type.equals("turn_context") {
            // An empty name clears it.
            facts.model = payload.model?.string(reusing: facts.model)
        } else if (parsed.ordinal ?? .max) < facts.historyStart {
            sink.omit("the line is a copy of the parent's history")
        } else if type.equals("token_usage_record") {
            addRecord(payload, time, into: &sink)
        } else if type.equals("event_msg"), payload.type?.equals("token_count") == true {
            note(payload.limits, time)
            addTotal(payload, time, into: &sink)
        }
    }

    /// Keeps the newest report of each limit until ``flush(into:)``: a rollout repeats them with every call.
    private func note(_ reported: RolloutLine.RateLimits, _ time: Timestamp) {
        // A copy of the parent's history can have the time of the fork and shares of hours ago.
        guard !reported.windows.isEmpty, facts.history.hasOwnTurn || facts.hasRecords else { return }
        let family = reported.id?.string
        for window in reported.windows {
            var name = window.name.string
            if let family, !family.isEmpty, family != "codex" { name = "\(family) \(name)" }
            guard limits.count < RolloutLine.RateLimits.most || limits[name] != nil else { continue }
            if let known = limits[name], known.time > time { continue }
            let end = window.resetsAt ?? window.resetsIn.map { Double(time.milliseconds / 1_000) + $0 }
            limits[name] = LimitRecord(
                name: name,
                time: time,
                usedPercent: window.usedPercent,
                windowMinutes: window.minutes,
                resetsAt: end.flatMap { Int64(exactly: $0.rounded()) },
                plan: reported.plan?.string,
                account: facts.account
            )
        }
    }

    func noteEnd(_ line: LineBytes) {
        // The time is at the beginning of a line, so that a long line need not be read.
        var cursor = JSONScanner(LineBytes(base: line.base, count: min(line.count, 64)))
        guard (try? cursor.enterObject()) == true, let key = try? cursor.nextKey(), key.equals("timestamp"),
            let time = (try? cursor.text()).flatMap({ instants.instant($0) })
        else { return }
        facts.lastSeen = max(facts.lastSeen, time.nanoseconds)
    }

    func flush(into sink: inout RecordSink) {
        if facts.thread != nil, facts.lastSeen > facts.lastReported { report(into: &sink) }
        for (_, limit) in limits.sorted(by: { $0.key < $1.key }) { sink.add(limit) }
        limits = [:]
    }

    private func note(_ line: RolloutLine) -> Timestamp {
        guard let time = line.timestamp.flatMap({ instants.instant($0) }) else {
            return Timestamp(nanoseconds: facts.lastSeen > 0 ? facts.lastSeen : place.modified)
        }
        facts.lastSeen = max(facts.lastSeen, time.nanoseconds)
        return time
    }

    /// The first `session_meta` says whose file this is; later ones are copied from ancestors.
    private func identify(_ meta: RolloutLine.Payload, _ time: Timestamp, into sink: inout RecordSink) {
        if let thread = facts.thread { return noteAncestor(meta, of: thread) }
        let thread = meta.id?.string ?? place.session
        facts.thread = thread
        facts.parent = meta.parent(of: thread)
        facts.isFork = meta.forkedFrom != nil
        facts.root = lineages.root(of: thread, tree: meta.session?.string, parent: facts.parent)
        facts.historyStart = meta.historyStart ?? 0
        facts.history.hasOwnTurn = facts.parent == nil || facts.historyStart > 0
        if !facts.history.hasOwnTurn { facts.ancestors.add(facts.parent, of: thread) }
        created = time.nanoseconds
        facts.provider = meta.provider.flatMap { CodexProvider.name(of: $0.string) }
        facts.branch = meta.branch?.string
        facts.version = meta.version?.string
        facts.account = meta.account?.string
        facts.project = meta.folder.flatMap { projects.key(of: $0.string) }
        facts.name = meta.spawnPath?.string.split(separator: "/").last.map(String.init) ?? meta.spawnName?.string
        if facts.lastSeen == 0 { facts.lastSeen = time.nanoseconds }
        report(into: &sink)
    }

    private func noteAncestor(_ meta: RolloutLine.Payload, of thread: String) {
        guard !facts.history.hasOwnTurn, let former = facts.ancestors.oldest else { return }
        facts.ancestors.add(meta, of: thread)
        guard let oldest = facts.ancestors.oldest, oldest != former, facts.root == former else { return }
        facts.root = lineages.root(of: thread, tree: nil, parent: oldest)
    }

    private func addRecord(_ payload: RolloutLine.Payload, _ time: Timestamp, into sink: inout RecordSink) {
        let isFirst = !facts.hasRecords
        facts.hasRecords = true
        // The total of a first record's call may come before the record.
        if isFirst, let usage = payload.usage, latestGrowth?.agrees(with: usage) == true,
            let total = payload.threadUsage, facts.running.previous?.agrees(with: total) == true
        {
            return
        }
        if let total = payload.threadUsage { facts.running.previous = total }
        guard let usage = payload.usage, !usage.isZero else { return }
        var call = call(.rolloutCall, usage, time, payload)
        call.session = payload.thread?.string(reusing: facts.thread) ?? call.session
        call.response = payload.response?.string
        let root = call.session == facts.thread ? facts.root : payload.session?.string
        call.lineage =
            payload.threadUsage.map { lineage($0.values, root: root) }
            // Without any id the figures and the time have to do.
            ?? (call.response == nil ? lineage(usage.values + [time.nanoseconds], root: facts.root) : nil)
        sink.add(call)
    }

    private func addTotal(_ payload: RolloutLine.Payload, _ time: Timestamp, into sink: inout RecordSink) {
        guard payload.total != nil || payload.last != nil else { return }
        let growth = facts.running.growth(total: payload.total, last: payload.last)
        guard !facts.hasRecords, let growth else {
            let reason = facts.hasRecords ? "a usage record reports the call" : "the total has not grown"
            return sink.omit("a token count: \(reason)")
        }
        latestGrowth = growth
        var call = call(.rolloutTotal, growth, time, payload)
        call.lineage = lineage(payload.total?.values ?? growth.values + [time.nanoseconds], root: facts.root)
        if let total = payload.total, let maker = maker(of: total, at: time) {
            // A copy belongs to the thread that made the call; a thread and its forks can have equal turns of their own. A copy has no
            // id of its own: the thread may report the call in a usage record.
            call.session = maker
            if maker == facts.thread { call.ownLineage = lineage(total.values, root: maker) }
        }
        sink.add(call)
    }

    private func call(
        _ event: SessionFileRecord.Event,
        _ usage: TokenVector,
        _ time: Timestamp,
        _ payload: RolloutLine.Payload
    ) -> CallRecord {
        var call = CallRecord(event, time: time, session: facts.thread ?? place.session)
        call.provider = facts.provider
        call.model = payload.model?.string ?? facts.model
        call.project = facts.project
        (call.input, call.output) = (usage.input, usage.output)
        (call.cacheRead, call.cacheWrite) = (usage.cached, usage.written)
        call.reasoning = usage.reasoning
        return call
    }

    /// The thread that made the call behind a total; nil when it is not known.
    private func maker(of total: TokenVector, at time: Timestamp) -> String? {
        let thread = facts.thread ?? place.session
        if facts.history.hasOwnTurn { return thread }
        var history =
            history
            ?? ThreadHistory(
                thread: thread,
                isFork: facts.isFork,
                created: created,
                parent: histories.totals(of: facts.ancestors),
                progress: facts.history
            )
        defer {
            (self.history, facts.history) = (history, history.progress)
            if history.progress.hasOwnTurn { facts.ancestors = ThreadAncestors() }
        }
        return history.maker(of: total, at: time)
    }

    private func lineage(_ values: [Int64], root: String?) -> String {
        var name = "codex:"
        name.reserveCapacity(128)
        name += root ?? facts.thread ?? place.session
        for (position, value) in values.enumerated() {
            name += position == 0 ? ":" : "."
            name += value.description
        }
        return name
    }

    private func report(into sink: inout RecordSink) {
        sink.add(
            SessionFacts(
                session: facts.thread ?? place.session,
                time: Timestamp(nanoseconds: facts.lastSeen),
                project: facts.project,
                branch: facts.branch,
                version: facts.version,
                name: facts.name,
                parent: facts.parent
            )
        )
        facts.lastReported = facts.lastSeen
    }
}

/// The threads that were read, to find the oldest ancestor of a fork.
final class Lineages {
    private var roots: [String: String] = [:]

    /// Remembers what an earlier scan found.
    func add(_ state: RolloutState) {
        if let thread = state.thread, let root = state.root { roots[thread] = root }
    }

    /// The oldest known ancestor; the name of the tree of threads, where newer versions have it.
    func root(of thread: String, tree: String?, parent: String?) -> String {
        let root = tree.flatMap { $0 == thread && parent != nil ? nil : $0 } ?? parent.map { roots[$0] ?? $0 } ?? thread
        roots[thread] = root
        return root
    }
}

/// Providers as Codex's configuration names them.
enum CodexProvider {
    /// The name for the price table; nil for OpenAI itself and for names that users made up, which say nothing.
    static func name(of configured: String) -> String? {
        let name = configured.lowercased()
        return name == "oss" ? "ollama" : known.contains(name) ? name : nil
    }

    private static let known: Set<String> = [
        "amazon-bedrock", "anthropic", "azure", "deepseek", "gemini", "groq", "lmstudio", "mistral", "ollama",
        "openrouter", "xai",
    ]
}
