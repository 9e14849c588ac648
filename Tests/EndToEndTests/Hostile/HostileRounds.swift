// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How much of the hostile suite runs: its short form, or as much as the environment variable `HOSTILE_ROUNDS` asks for.
enum HostileRounds {
    /// What `HOSTILE_ROUNDS` asks for, from 1 to 1,000; nil for the short form.
    static let asked = ProcessInfo.processInfo.environment["HOSTILE_ROUNDS"].flatMap { Int($0) }.map {
        min(max($0, 1), 1_000)
    }

    /// How often an attack is repeated, as a multiple of the short form.
    static let count = asked ?? 1

    /// Whether bodies have the full size that the default configuration takes.
    static var isLong: Bool { count > 1 }
}
