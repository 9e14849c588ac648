// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import OTLP

/// The protocol between the collector and one run of a plugin, as a value: it gets what happened and when, and returns what is to
/// be done.
///
/// HELLO both ways, OPEN with the configuration, OPENED; then each BATCH gets one RESULT, each EMIT of a receiver too; DRAIN and BYE at
/// the end. Whatever is not as it should be ends the run: ``Action/end(_:)``.
struct PluginSession: Sendable {
    /// An instant, as the time since any fixed one.
    typealias Instant = Duration

    /// What the run is for.
    struct Terms: Sendable {
        /// The kind and type of the component.
        var kind: ComponentKind
        var type: String
        /// Its id, as in the configuration.
        var id: String
        /// The configuration of the component as JSON.
        var configuration: String
        /// Where the plugin may keep files of its own.
        var stateFolder: String
        /// The time for HELLO, and for OPENED.
        var startTime = Duration.seconds(10)
        var openTime = Duration.seconds(30)
        /// The time for the answer to a batch.
        var batchTime = Duration.seconds(30)
        /// The time for what is open when the collector stops; several plugins that do not end must not keep a store from closing.
        var drainTime = Duration.seconds(2)
        /// How long an idle plugin may be silent before it is asked whether it lives; three times that ends the run.
        var idleTime = Duration.seconds(10)
        /// The most bytes of one frame, and of all that wait for their turn.
        var largestPayload = 64 << 20
        /// How many batches of a receiver may be open.
        var credit = 4
        /// When it is started again after it has ended.
        var restarts = RestartPolicy()
    }

    /// What is to be done.
    enum Action: Sendable, Equatable {
        /// These bytes go to the plugin.
        case send([UInt8])
        /// The plugin has its configuration and takes batches from now on.
        case opened(PluginDescription.Offer)
        /// The plugin does not take its configuration; the run ends as well.
        case rejected(path: String, message: String)
        /// A batch has its answer.
        case answer(UInt64, PluginAnswer)
        /// A receiver hands a batch in; it gets its answer by ``PluginSession/acknowledge(_:_:)``.
        case emitted(UInt64, Signal, [UInt8])
        /// An answer came to a batch that has one already.
        case lateAnswer
        /// The run is over; with what was wrong, nil for one that ended in order.
        case end(String?)
    }

    private enum State {
        case greeting
        case opening
        case running
        case draining
        case ended
    }

    private struct Waiting {
        var id: UInt64
        var frame: [UInt8]
        var deadline: Instant
    }

    private let terms: Terms
    private var state = State.greeting
    private var reader: PluginFrameReader
    /// The end of the present state, where it has one.
    private var stateEnd: Instant?
    private var offer: PluginDescription.Offer?
    private var lastID: UInt64 = 0
    /// Batches that the plugin has, with the end of the time for their answers.
    private var open: [UInt64: Instant] = [:]
    private var waiting: [Waiting] = []
    private var waitingBytes = 0
    private var emitted: Set<UInt64> = []
    private var lastHeard: Instant
    private var pings = 0

    /// Begins a run.
    init(_ terms: Terms, at now: Instant) {
        self.terms = terms
        reader = PluginFrameReader(largestPayload: terms.largestPayload)
        lastHeard = now
        stateEnd = now + terms.startTime
    }

    /// Whether batches can be given to the plugin.
    var isRunning: Bool { state == .running }
    /// Whether the plugin was asked to end.
    var isDraining: Bool { state == .draining || state == .ended }

    /// The first thing that is said.
    func greeting(host: String) -> [UInt8] {
        let range = PluginDescription.protocols
        let text =
            "{\"protocol\":[\(range.lowerBound),\(range.upperBound)],\"host\":\(host.jsonString),"
            + "\"max_frame\":\(terms.largestPayload)}"
        return PluginFrame(kind: .hello, payload: Array(text.utf8)).encoded
    }

    // MARK: - What the plugin does

    /// Takes bytes that the plugin sent.
    mutating func received(_ bytes: some Collection<UInt8>, at now: Instant) -> [Action] {
        guard state != .ended else { return [] }
        lastHeard = now
        pings = 0
        reader.append(bytes)
        var actions: [Action] = []
        do throws(PluginFault) {
            while state != .ended, let frame = try reader.next() {
                actions += try take(frame, now)
            }
        } catch {
            actions += end(error.message)
        }
        return actions
    }

    /// The plugin has closed its end, or its process has ended.
    mutating func closed() -> [Action] {
        switch state {
        case .ended: return []
        case .draining where open.isEmpty && !reader.isInsideFrame: return end(nil)
        default:
            return end(reader.isInsideFrame ? "the plugin ended within a frame" : "the plugin ended by itself")
        }
    }

    private mutating func take(_ frame: PluginFrame, _ now: Instant) throws(PluginFault) -> [Action] {
        switch (frame.kind, state) {
        case (.hello, .greeting): return try greet(frame.payload, now)
        case (.opened, .opening):
            guard let offer else { return [] }
            state = .running
            stateEnd = nil
            var actions = [Action.opened(offer)]
            if offer.kind == .receiver {
                var payload: [UInt8] = []
                payload.append(littleEndian: UInt32(clamping: terms.credit))
                actions.append(.send(PluginFrame(kind: .credit, payload: payload).encoded))
            }
            return actions
        case (.fault, _):
            let (path, message) = Self.faultParts(frame.payload)
            return state == .opening
                ? [.rejected(path: path, message: message)] + end(message) : end("the plugin gives up: \(message)")
        case (.result, .running), (.result, .draining): return try settle(frame, now)
        case (.emit, .running): return try takeEmitted(frame)
        // What was on its way when the collector asked it to stop is not taken; the plugin keeps it.
        case (.emit, .draining): return []
        case (.ping, _): return [.send(PluginFrame(kind: .pong, id: frame.id).encoded)]
        case (.pong, _): return []
        case (.bye, .draining):
            return end(open.isEmpty ? nil : "the plugin said BYE with \(open.count) batches open")
        default: throw PluginFault(message: "the plugin sent \(frame.kind) at a time that is not for it")
        }
    }

    private mutating func greet(_ payload: [UInt8], _ now: Instant) throws(PluginFault) -> [Action] {
        let description: PluginDescription
        do throws(PluginDescription.Problem) {
            description = try PluginDescription(parsing: payload)
        } catch {
            throw PluginFault(message: error.description)
        }
        guard description.common != nil else {
            let range = description.versions
            throw PluginFault(
                message:
                    "the plugin speaks the protocol \(range.lowerBound) to \(range.upperBound), this collector \(PluginDescription.protocols.lowerBound) to \(PluginDescription.protocols.upperBound)"
            )
        }
        guard let offer = description.components.first(where: { $0.kind == terms.kind && $0.type == terms.type })
        else { throw PluginFault(message: "the plugin offers no \(terms.kind.singular) \(terms.type)") }
        self.offer = offer
        state = .opening
        stateEnd = now + terms.openTime
        let text =
            "{\"kind\":\(terms.kind.singular.jsonString),\"type\":\(terms.type.jsonString),\"id\":\(terms.id.jsonString),"
            + "\"state_dir\":\(terms.stateFolder.jsonString),\"config\":\(terms.configuration)}"
        return [.send(PluginFrame(kind: .open, payload: Array(text.utf8)).encoded)]
    }

    private static func faultParts(_ payload: [UInt8]) -> (path: String, message: String) {
        var reader = JSONReader(Array(payload.prefix(65_536)))
        guard case .object(let members)? = try? reader.value(), case .string(let message)? = members["message"] else {
            return ("", "it does not say why")
        }
        guard case .string(let path)? = members["path"] else { return ("", String(message.prefix(1_024))) }
        return (path, String(message.prefix(1_024)))
    }

    private mutating func settle(_ frame: PluginFrame, _ now: Instant) throws(PluginFault) -> [Action] {
        guard frame.id > 0, frame.id <= lastID else {
            throw PluginFault(message: "the plugin answered batch \(frame.id), which it never got")
        }
        guard open[frame.id] != nil else { return [.lateAnswer] }
        let answer = try PluginAnswer(parsing: frame.payload)
        open[frame.id] = nil
        return [.answer(frame.id, answer)] + sendWaiting()
    }

    private mutating func takeEmitted(_ frame: PluginFrame) throws(PluginFault) -> [Action] {
        guard offer?.kind == .receiver else { throw PluginFault(message: "only a receiver may emit batches") }
        guard emitted.count < terms.credit else {
            throw PluginFault(message: "the plugin emitted more batches than its credit of \(terms.credit)")
        }
        guard emitted.insert(frame.id).inserted else {
            throw PluginFault(message: "the plugin emitted batch \(frame.id) twice")
        }
        let (signal, request) = try PluginBatch.parse(frame.payload)
        return [.emitted(frame.id, signal, request)]
    }

    // MARK: - What the collector does

    /// Gives the plugin a batch, or lets it wait for its turn; the answer comes as ``Action/answer(_:_:)`` under the id that is returned.
    ///
    /// - Parameter frame: A BATCH as `PluginBatch` makes it; its id is set here.
    /// - Returns: The id, nil when the batch cannot be taken now: there is no plugin, or as much waits as may.
    mutating func submit(_ frame: consuming [UInt8], at now: Instant) -> (id: UInt64?, actions: [Action]) {
        guard state == .running, let offer, offer.kind != .receiver, frame.count >= PluginFrame.headerSize,
            frame.count - PluginFrame.headerSize <= terms.largestPayload,
            open.count < offer.maxInFlight || waitingBytes + Self.cost(frame) <= terms.largestPayload
        else { return (nil, []) }
        lastID += 1
        PluginFrame.set(id: lastID, in: &frame)
        if open.count < offer.maxInFlight, waiting.isEmpty {
            open[lastID] = now + terms.batchTime
            return (lastID, [.send(frame)])
        }
        waitingBytes += Self.cost(frame)
        waiting.append(Waiting(id: lastID, frame: frame, deadline: now + terms.batchTime))
        return (lastID, sendWaiting())
    }

    /// What a batch that waits takes up in memory, about.
    private static func cost(_ frame: [UInt8]) -> Int { frame.count + 256 }

    private mutating func sendWaiting() -> [Action] {
        guard let offer else { return [] }
        var actions: [Action] = []
        while open.count < offer.maxInFlight, !waiting.isEmpty {
            let next = waiting.removeFirst()
            waitingBytes -= Self.cost(next.frame)
            open[next.id] = next.deadline
            actions.append(.send(next.frame))
        }
        return actions
    }

    /// Answers a batch that a receiver emitted, which gives it its credit back.
    mutating func acknowledge(_ id: UInt64, _ answer: PluginAnswer) -> [Action] {
        guard emitted.remove(id) != nil, state == .running || state == .draining else { return [] }
        return [.send(PluginFrame(kind: .result, id: id, payload: answer.payload).encoded)]
    }

    /// Asks the plugin to finish what it has and to end.
    mutating func drain(at now: Instant) -> [Action] {
        guard state == .running else { return end(nil) }
        state = .draining
        stateEnd = now + terms.drainTime
        let left = waiting.map { Action.answer($0.id, .unanswered("the plugin stops")) }
        waiting = []
        waitingBytes = 0
        return left + [.send(PluginFrame(kind: .drain).encoded)]
    }

    // MARK: - Time

    /// When ``expire(at:)`` is to be called at the latest; nil when nothing is awaited.
    var nextDeadline: Instant? {
        if state == .ended { return nil }
        let idle = state == .running && open.isEmpty ? lastHeard + terms.idleTime * (pings + 1) : nil
        return ([stateEnd, idle].compactMap(\.self) + open.values + waiting.map(\.deadline)).min()
    }

    /// Does what is due at an instant.
    mutating func expire(at now: Instant) -> [Action] {
        if let stateEnd, now >= stateEnd {
            switch state {
            case .greeting: return end("the plugin sent no HELLO in \(terms.startTime)")
            case .opening: return end("the plugin did not open in \(terms.openTime)")
            case .draining: return end(open.isEmpty ? nil : "the plugin did not finish in \(terms.drainTime)")
            case .running, .ended: break
            }
        }
        if open.values.contains(where: { now >= $0 }) {
            return end("the plugin gave no answer to a batch in \(terms.batchTime)")
        }
        var actions: [Action] = []
        for late in waiting where now >= late.deadline {
            actions.append(.answer(late.id, .unanswered("the plugin is too slow")))
            waitingBytes -= Self.cost(late.frame)
        }
        waiting.removeAll { now >= $0.deadline }
        if state == .running, open.isEmpty, now >= lastHeard + terms.idleTime * (pings + 1) {
            guard pings < 3 else { return actions + end("the plugin does not answer PING") }
            pings += 1
            actions.append(.send(PluginFrame(kind: .ping).encoded))
        }
        return actions
    }

    /// Ends the run: batches without an answer go back to where they came from.
    private mutating func end(_ reason: String?) -> [Action] {
        guard state != .ended else { return [] }
        state = .ended
        stateEnd = nil
        let ids = (Array(open.keys) + waiting.map(\.id)).sorted()
        open = [:]
        waiting = []
        waitingBytes = 0
        emitted = []
        let message = reason ?? "the plugin stops"
        return ids.map { .answer($0, .unanswered(message)) } + [.end(reason)]
    }
}
