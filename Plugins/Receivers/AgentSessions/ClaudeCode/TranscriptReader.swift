// SPDX-License-Identifier: Apache-2.0

import JSON
import OTLP
import Usage

/// What is known so far of a transcript's session.
struct TranscriptState: Equatable {
    var session: String?
    var project: String?
    var branch: String?
    var version: String?
    var title: String?
    var isTitleCustom = false
    var parent: String?
    /// Calls whose web searches are in later lines.
    var searches = WebSearches()
    /// The newest time of any line.
    var lastSeen: Int64 = 0
    /// The newest time that was reported.
    var lastReported: Int64 = 0
}

/// Reads a transcript of Claude Code: calls, and facts about their session.
///
/// One answer has several lines, one for each block of content, whose figures are equal or grow: neighbours are taken together
/// here, the rest is joined by the ledger through the id of the answer. Lines that a fork copied name the session they come from.
final class TranscriptReader: SessionReader {
    private var facts: TranscriptState
    private let place: SessionPlace
    private let projects: ProjectNames
    private var instants = InstantReader()
    private var pending: CallRecord?
    private var hasNews = false
    /// What the agent says that the session has cost, until it is handed on.
    private var sessionCost: Double?
    private var reportedCost: Double?
    /// Lines that are still read to their end to find out which session this is.
    private var introductions = 64

    /// A line longer than this is not looked at for the time alone.
    private static let longestLastLine = 64 << 10

    init(_ state: TranscriptState, place: SessionPlace, projects: ProjectNames) {
        facts = state
        self.place = place
        self.projects = projects
    }

    var state: ReaderState { .transcript(facts) }

    func read(_ line: LineBytes, into sink: inout RecordSink) throws(LineFault) {
        guard let line = try line.object() else { return }
        let wantsFacts = introductions > 0 && (facts.session == nil || facts.project == nil || facts.lastSeen == 0)
        if wantsFacts { introductions -= 1 }
        let isWaiting = facts.searches.isWaiting
        let parsed = try TranscriptLine(line, wantsFacts: wantsFacts, wantsResults: isWaiting)
        if isWaiting { noteResults(parsed, into: &sink) }
        if let type = parsed.unknownType { sink.skip(unknownType: type) }
        let isCall = parsed.usage != nil && !parsed.isError && parsed.model?.equals("<synthetic>") != true
        if parsed.usage != nil, !isCall { sink.omit("an error or an answer that the program made up itself") }
        guard isCall || wantsFacts || parsed.title != nil || parsed.sessionCost != nil else { return }
        let time = note(parsed)
        if isCall, let usage = parsed.usage { add(parsed, usage, time, into: &sink) }
        if hasNews, facts.lastSeen > 0 { report(into: &sink) }
    }

    func noteEnd(_ line: LineBytes) {
        guard line.count <= Self.longestLastLine, let line = try? line.object(),
            let parsed = try? TranscriptLine(line, wantsFacts: true)
        else { return }
        _ = note(parsed)
    }

    func flush(into sink: inout RecordSink) {
        flushCall(into: &sink)
        if facts.lastSeen > 0, hasNews || facts.lastSeen > facts.lastReported { report(into: &sink) }
    }

    /// Takes in what a line says of the session; returns the line's time.
    private func note(_ line: TranscriptLine) -> Timestamp {
        let time = line.timestamp.flatMap { instants.instant($0) }
        if let time { facts.lastSeen = max(facts.lastSeen, time.nanoseconds) }
        take(line.session, as: &facts.session)
        take(line.branch, as: &facts.branch)
        take(line.version, as: &facts.version)
        if let parent = line.requestSession, line.session.map({ !$0.isSame(as: parent) }) ?? false {
            take(parent, as: &facts.parent)
        }
        if facts.project == nil, let folder = line.folder {
            facts.project = projects.key(of: folder.string)
            hasNews = true
        }
        if let cost = line.sessionCost, !line.isSessionCostPartial, cost >= 0, cost != reportedCost {
            (sessionCost, reportedCost, hasNews) = (cost, cost, true)
        }
        // What the user called it stays, whatever the agent thinks of later.
        if let title = line.title, line.isTitleCustom || !facts.isTitleCustom {
            take(title, as: &facts.title)
            facts.isTitleCustom = line.isTitleCustom
        }
        return time ?? Timestamp(nanoseconds: facts.lastSeen > 0 ? facts.lastSeen : place.modified)
    }

    private func take(_ text: JSONScanner.Text?, as fact: inout String?) {
        guard let text, !text.says(fact) else { return }
        fact = text.string
        hasNews = true
    }

    private func add(_ line: TranscriptLine, _ usage: TranscriptUsage, _ time: Timestamp, into sink: inout RecordSink) {
        let session = line.requestSession?.string(reusing: facts.session) ?? facts.session ?? place.session
        let isSide = line.isSidechain || place.isSubagent
        var call = CallRecord(isSide ? .transcriptSidechain : .transcriptCall, time: time, session: session)
        call.request = line.request?.string
        // Without any id the line itself is the call.
        call.response = (line.response ?? (line.request == nil ? line.uuid : nil))?.string
        call.isFork = line.isBackground && line.requestSession == nil
        call.agent = line.agent?.string
        call.model = line.model?.string(reusing: pending?.model)
        call.project = facts.project ?? place.project
        call.cost = line.cost
        for (position, iteration) in usage.iterations.enumerated() where !iteration.isZero {
            var extra = call
            extra.request = nil
            extra.cost = nil
            extra.response = "\(call.response ?? ""):\(iteration.type?.string ?? ""):\(position)"
            extra.model = iteration.model?.string ?? call.model
            extra.take(iteration)
            sink.add(extra)
        }
        guard !usage.isZero else { return sink.omit("the answer has no tokens") }
        call.take(usage)
        if !line.searchUses.isEmpty { facts.searches.note(call, uses: line.searchUses.map(\.string)) }
        hold(call, into: &sink)
    }

    /// Hands out again the call that asked for the web searches whose result a line brings.
    private func noteResults(_ line: TranscriptLine, into sink: inout RecordSink) {
        for id in line.resultsOf {
            if let call = facts.searches.answer(id.string, count: line.searchCount ?? 0) { hold(call, into: &sink) }
        }
    }

    /// Keeps a call until another one comes, because the next line often has more of the same.
    private func hold(_ call: CallRecord, into sink: inout RecordSink) {
        if let pending, pending.isSameAnswer(as: call) {
            self.pending?.merge(call)
            return
        }
        flushCall(into: &sink)
        pending = call
    }

    private func flushCall(into sink: inout RecordSink) {
        guard let call = pending else { return }
        sink.add(call)
        if call.session == facts.session { facts.lastReported = max(facts.lastReported, call.time.nanoseconds) }
        pending = nil
    }

    private func report(into sink: inout RecordSink) {
        // Of two titles the later holds, and a title has no time of its own.
        facts.lastReported = max(facts.lastSeen, hasNews ? facts.lastReported + 1 : 0)
        sink.add(
            SessionFacts(
                session: facts.session ?? place.session,
                time: Timestamp(nanoseconds: facts.lastReported),
                project: facts.project ?? place.project,
                branch: facts.branch,
                version: facts.version,
                name: facts.title,
                parent: facts.parent,
                reportedCost: sessionCost
            )
        )
        (hasNews, sessionCost) = (false, nil)
    }
}

extension CallRecord {
    /// Whether another line with the same id belongs to the same answer.
    ///
    /// A gateway can give every answer one constant id and no request id (ccusage/ccusage#1635); then the size of the prompt keeps
    /// answers apart. Zero is no size: some gateways report the prompt at the end of an answer only.
    fileprivate func isSameAnswer(as other: CallRecord) -> Bool {
        guard request == other.request, response == other.response, request != nil || response != nil,
            event == other.event
        else { return false }
        return request != nil || input == other.input || input == 0 || other.input == 0
    }

    /// Takes over figures that leave cached tokens out of the input.
    fileprivate mutating func take(_ usage: TranscriptUsage) {
        input = usage.input + usage.cacheRead + usage.cacheWrite
        output = usage.output
        cacheRead = usage.cacheRead
        cacheWrite = usage.cacheWrite
        (cacheWrite5m, cacheWrite1h) = (usage.cacheWrite5m, usage.cacheWrite1h)
        reasoning = usage.reasoning
        webSearches = usage.webSearches
        serviceTier = usage.serviceTier?.string
        speed = usage.speed?.string
        geography = usage.geography?.string
    }
}

extension JSONScanner.Text {
    fileprivate func isSame(as other: JSONScanner.Text) -> Bool { bytes.buffer.elementsEqual(other.bytes.buffer) }
}
