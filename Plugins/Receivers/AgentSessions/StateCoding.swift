// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Writes marks: numbers in groups of seven bits, texts behind their length.
struct StateEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func number(_ value: Int64) {
        // Small negative numbers stay short, too.
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func text(_ text: String) {
        number(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func optional(_ text: String?) {
        number(text == nil ? 0 : 1)
        if let text { self.text(text) }
    }

    mutating func mark(_ mark: FileMark) {
        for value in [mark.identity.device, mark.identity.inode, mark.head.hash] { number(Int64(bitPattern: value)) }
        for value in [
            mark.size, mark.modified, mark.offset, mark.lines, mark.isInsideLine ? 1 : 0, Int64(mark.head.length),
        ] { number(value) }
        switch mark.state {
        case .transcript(let state): transcript(state)
        case .rollout(let state): rollout(state)
        case .store(let state): store(state)
        }
        faults(mark.faults)
    }

    private mutating func transcript(_ state: TranscriptState) {
        number(0)
        for text in [state.session, state.project, state.branch, state.version, state.title, state.parent] {
            optional(text)
        }
        for value in [state.isTitleCustom ? 1 : 0, state.lastSeen, state.lastReported] { number(value) }
        searches(state.searches)
    }

    private func rolloutFlags(_ state: RolloutState) -> Int64 {
        (state.hasRecords ? 1 : 0) | (state.history.hasOwnTurn ? 2 : 0) | (state.history.hasOldCopies ? 4 : 0)
            | (state.isFork ? 8 : 0) | (state.account == nil ? 0 : 16)
    }

    private mutating func rollout(_ state: RolloutState) {
        number(1)
        for text in [
            state.thread, state.root, state.parent, state.provider, state.model, state.branch, state.version,
            state.project, state.name,
        ] { optional(text) }
        number(Int64(state.ancestors.names.count))
        for name in state.ancestors.names { text(name) }
        for value in [
            state.historyStart, rolloutFlags(state), state.lastSeen, state.lastReported, state.running.unexplained,
        ] { number(value) }
        let vectors = (state.running.previous.map { [$0] } ?? []) + state.running.peaks
        number(state.running.previous == nil ? 0 : 1)
        number(Int64(vectors.count))
        for vector in vectors {
            for value in vector.values + [vector.total] { number(value) }
        }
        // A checkpoint of a version that did not know accounts has no flag for one.
        if let account = state.account { text(account) }
    }

    private mutating func store(_ state: StoreState) {
        number(2)
        for text in [
            state.session, state.parent, state.project, state.branch, state.version, state.title, state.model,
            state.note,
        ] { optional(text) }
        for value in [
            state.lastSeen, state.lastReported, state.cursor, state.count, state.begin,
        ] { number(value) }
    }

    /// The hash of everything written, as eight bytes.
    var hash: [UInt8] { withUnsafeBytes(of: StateDecoder.hash(bytes[...]).littleEndian, Array.init) }
}

/// Reads what ``StateEncoder`` wrote; after a failure everything reads as zero and empty.
struct StateDecoder {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private(set) var hasFailed = false

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash = StableHash(domain: "agent-sessions-checkpoint")
        bytes.withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        return hash.value
    }

    /// The last eight bytes as a number.
    var trailingHash: UInt64 { bytes.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) } }

    mutating func number() -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.endIndex, shift < 70 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        }
        hasFailed = true
        return 0
    }

    mutating func text() -> String {
        let count = number()
        guard count >= 0, count <= bytes.endIndex - position else {
            hasFailed = true
            return ""
        }
        defer { position += Int(count) }
        return String(decoding: bytes[position..<(position + Int(count))], as: UTF8.self)
    }

    /// Says that what was read makes no sense.
    mutating func fail() { hasFailed = true }

    mutating func optional() -> String? { number() == 1 ? text() : nil }

    mutating func mark() -> FileMark {
        let identity = FileIdentity(device: UInt64(bitPattern: number()), inode: UInt64(bitPattern: number()))
        let hash = UInt64(bitPattern: number())
        let (size, modified, offset, lines) = (number(), number(), number(), number())
        let isInsideLine = number() == 1
        let head = FileHead(length: Int32(truncatingIfNeeded: number()), hash: hash)
        return FileMark(
            identity: identity,
            size: size,
            modified: modified,
            offset: offset,
            lines: lines,
            isInsideLine: isInsideLine,
            head: head,
            state: state(),
            faults: faults()
        )
    }

    private mutating func state() -> ReaderState {
        switch number() {
        case 0: return .transcript(transcript())
        case 1: return .rollout(rollout())
        case 2: return .store(store())
        default:
            fail()
            return .store(StoreState())
        }
    }

    private mutating func store() -> StoreState {
        var state = StoreState()
        (state.session, state.parent, state.project) = (optional(), optional(), optional())
        (state.branch, state.version, state.title) = (optional(), optional(), optional())
        (state.model, state.note) = (optional(), optional())
        (state.lastSeen, state.lastReported) = (number(), number())
        (state.cursor, state.count, state.begin) = (number(), number(), number())
        return state
    }

    private mutating func transcript() -> TranscriptState {
        var state = TranscriptState()
        (state.session, state.project) = (optional(), optional())
        (state.branch, state.version) = (optional(), optional())
        (state.title, state.parent) = (optional(), optional())
        state.isTitleCustom = number() == 1
        (state.lastSeen, state.lastReported) = (number(), number())
        state.searches = searches()
        return state
    }

    private mutating func rollout() -> RolloutState {
        var state = RolloutState()
        (state.thread, state.root, state.parent) = (optional(), optional(), optional())
        (state.provider, state.model, state.branch) = (optional(), optional(), optional())
        (state.version, state.project, state.name) = (optional(), optional(), optional())
        for _ in 0..<max(0, min(number(), Int64(ThreadAncestors.most))) {
            state.ancestors.add(text(), of: state.thread ?? "")
        }
        state.historyStart = number()
        let flags = number()
        state.hasRecords = flags & 1 != 0
        (state.history.hasOwnTurn, state.history.hasOldCopies) = (flags & 2 != 0, flags & 4 != 0)
        state.isFork = flags & 8 != 0
        (state.lastSeen, state.lastReported) = (number(), number())
        state.running.unexplained = number()
        let hasPrevious = number() == 1
        for _ in 0..<max(0, min(number(), 16)) {
            var vector = TokenVector()
            (vector.input, vector.cached, vector.written) = (number(), number(), number())
            (vector.output, vector.reasoning, vector.total) = (number(), number(), number())
            state.running.peaks.append(vector)
        }
        if hasPrevious, !state.running.peaks.isEmpty { state.running.previous = state.running.peaks.removeFirst() }
        if flags & 16 != 0 { state.account = text() }
        return state
    }
}

// MARK: - Web searches

extension StateEncoder {
    fileprivate mutating func searches(_ searches: WebSearches) {
        number(Int64(searches.calls.count))
        for asking in searches.calls {
            call(asking.call)
            number(Int64(asking.uses.count))
            for use in asking.uses {
                text(use.id)
                number(use.count ?? -1)
            }
        }
    }

    private mutating func call(_ call: CallRecord) {
        text(call.event.rawValue)
        text(call.session)
        for text in [
            call.request, call.response, call.lineage, call.agent, call.provider, call.model, call.project,
            call.serviceTier, call.speed, call.geography,
        ] { optional(text) }
        for value in [
            call.time.nanoseconds, call.input, call.output, call.cacheRead, call.cacheWrite, call.cacheWrite5m ?? -1,
            call.cacheWrite1h ?? -1, call.reasoning, call.webSearches,
            call.cost.map { Int64(bitPattern: $0.bitPattern) } ?? -1,
        ] { number(value) }
        number(call.isFork ? 1 : 0)
    }
}

extension StateDecoder {
    fileprivate mutating func searches() -> WebSearches {
        var searches = WebSearches()
        for _ in 0..<max(0, min(number(), Int64(WebSearches.mostCalls))) where !hasFailed {
            var asking = WebSearches.AskingCall(call: call(), uses: [])
            for _ in 0..<max(0, min(number(), Int64(WebSearches.mostUses))) where !hasFailed {
                let id = text()
                let count = number()
                asking.uses.append(WebSearches.Use(id: id, count: count < 0 ? nil : count))
            }
            searches.restore(asking)
        }
        return searches
    }

    private mutating func call() -> CallRecord {
        let event = SessionFileRecord.Event(rawValue: text())
        if event == nil { fail() }
        let session = text()
        var call = CallRecord(event ?? .transcriptCall, time: Timestamp(nanoseconds: 0), session: session)
        (call.request, call.response, call.lineage) = (optional(), optional(), optional())
        (call.agent, call.provider, call.model) = (optional(), optional(), optional())
        call.project = optional()
        (call.serviceTier, call.speed, call.geography) = (optional(), optional(), optional())
        call.time = Timestamp(nanoseconds: number())
        (call.input, call.output) = (number(), number())
        (call.cacheRead, call.cacheWrite) = (number(), number())
        let parts = (number(), number())
        call.cacheWrite5m = parts.0 < 0 ? nil : parts.0
        call.cacheWrite1h = parts.1 < 0 ? nil : parts.1
        (call.reasoning, call.webSearches) = (number(), number())
        let cost = number()
        call.cost = cost == -1 ? nil : Double(bitPattern: UInt64(bitPattern: cost))
        call.isFork = number() == 1
        return call
    }
}
