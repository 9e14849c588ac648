// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Onboarding

/// What onboarding did, for programs and for people.
struct OnboardReport: Encodable {
    var endpoint: String
    /// `accepted`, `skipped`, or why it failed.
    var check: String
    var dryRun: Bool
    var agents: [Entry] = []
    var service: Entry?

    struct Entry: Encodable {
        var name: String
        var state: State
        var files: [File] = []
        var conflicts: [Conflict] = []
        var notes: [String] = []
        var environment: [String: String] = [:]
        var error: String?
        var firstRecordAt: String?
        /// The exit code that goes with an error.
        var exitCode: Int32 = 0

        private enum CodingKeys: String, CodingKey {
            case name, state, files, conflicts, notes, environment, error, firstRecordAt
        }
    }

    enum State: String, Encodable {
        /// Its settings were written.
        case written
        /// They would be.
        case wouldWrite
        /// They were right already.
        case unchanged
        /// They send elsewhere and were left alone.
        case conflict
        /// The person said no.
        case declined
        /// There is nothing to write, only variables to set by hand, or nothing at all.
        case manual
        /// They could not be written.
        case failed
    }

    struct File: Encodable {
        var path: String
        var isNew: Bool
        var diff: String
    }

    struct Conflict: Encodable {
        var path: String
        var key: String
        var value: String
    }

    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}") + "\n"
    }

    /// The exit code: the first trouble's.
    var exitCode: Int32 {
        (agents + [service].compactMap(\.self)).map(\.exitCode).first { $0 != 0 } ?? 0
    }
}

extension SettingsError {
    /// The exit code that goes with it.
    var exitCode: Int32 {
        switch kind {
        case .badContent: Exit.badInput
        case .permission: Exit.permission
        case .inputOutput: Exit.inputOutput
        }
    }
}
