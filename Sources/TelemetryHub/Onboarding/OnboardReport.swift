// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Onboarding

/// The result of onboarding, for programs and for people.
struct OnboardReport: Encodable {
    var endpoint: String
    /// `accepted`, `skipped`, or why the check failed.
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
        /// The exit code for an error.
        var exitCode: Int32 = 0

        private enum CodingKeys: String, CodingKey {
            case name, state, files, conflicts, notes, environment, error, firstRecordAt
        }
    }

    enum State: String, Encodable {
        /// Its settings were written.
        case written
        /// Its settings would be written (`--dry-run`).
        case wouldWrite
        /// Its settings needed no change.
        case unchanged
        /// Its settings send elsewhere and were left unchanged.
        case conflict
        /// The user declined.
        case declined
        /// There is no file to write: variables to set by hand, or nothing at all.
        case manual
        /// Its settings could not be written.
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

    var text: String { JSONText.indented(self) }

    /// The exit code: that of the first error.
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
