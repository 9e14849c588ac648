// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Synchronization

/// Tells the user what is odd about the senders: each thing once and not with every request; counts all of it.
final class SenderRemarks: Sendable {
    private let settings: ComponentSettings
    private let made = Mutex<Set<Remark>>([])

    private enum Remark: Hashable {
        case missingPipeline(Signal)
        case misplaced(Signal, sentAs: Signal)
        case snakeCaseNames
        case stringIndexes
        case invalidSequences
    }

    init(_ settings: ComponentSettings) {
        self.settings = settings
    }

    /// Records of a signal come in and there is nowhere to put them.
    func remark(missingPipeline signal: Signal) {
        make(
            .missingPipeline(signal),
            "a sender's signal has no pipeline; add one or stop sending it",
            ["signal": "\(signal)"]
        )
    }

    /// Records of one signal come in where another is taken.
    func remark(_ misplaced: MisplacedRecords, sentAs signal: Signal, to path: String) {
        settings.counters.add(misplaced.count, to: .dropped)
        make(
            .misplaced(misplaced.signal, sentAs: signal),
            "a sender posts records of one signal to the path of another, where they are not taken; correct its endpoint",
            ["signal": "\(misplaced.signal)", "path": "\(path)"]
        )
    }

    /// A request was accepted that is not as OTLP has it.
    func remark(_ notes: OTLPNotes) {
        settings.counters.add(notes.snakeCaseNames + notes.stringIndexes + notes.invalidSequences, to: .deviations)
        if notes.snakeCaseNames > 0 {
            make(
                .snakeCaseNames,
                "a sender writes names of OTLP/JSON in snake_case; they are understood here, but not by every collector"
            )
        }
        if notes.stringIndexes > 0 {
            make(
                .stringIndexes,
                "a sender refers to a table of strings, which only profiles have; these references are left out"
            )
        }
        if notes.invalidSequences > 0 {
            make(
                .invalidSequences,
                "a sender's texts are not all UTF-8; what cannot be read is shown as U+FFFD; update the sender"
            )
        }
    }

    private func make(_ remark: Remark, _ text: String, _ metadata: Logger.Metadata = [:]) {
        guard made.withLock({ $0.insert(remark).inserted }) else { return }
        settings.logger.warning("\(text)", metadata: metadata)
    }
}
