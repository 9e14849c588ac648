// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Synchronization

/// Tells the user what is odd about the senders: each thing once and not with every request; counts all of it.
final class SenderWarnings: Sendable {
    private let settings: ComponentSettings
    private let made = Mutex<Set<SenderWarning>>([])

    private enum SenderWarning: Hashable {
        case snakeCaseNames
        case stringIndexes
        case invalidSequences
    }

    init(_ settings: ComponentSettings) {
        self.settings = settings
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

    private func make(_ remark: SenderWarning, _ text: String) {
        guard made.withLock({ $0.insert(remark).inserted }) else { return }
        settings.logger.warning("\(text)")
    }
}
