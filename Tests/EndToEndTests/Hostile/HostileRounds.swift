// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The extent of the hostile suite: its short form, or that of the environment variable `HOSTILE_ROUNDS`.
enum HostileRounds {
    /// The value of `HOSTILE_ROUNDS`, from 1 to 1,000; nil for the short form.
    static let asked = ProcessInfo.processInfo.environment["HOSTILE_ROUNDS"].flatMap { Int($0) }.map {
        min(max($0, 1), 1_000)
    }

    /// How often an attack is repeated, as a multiple of the short form.
    static let count = asked ?? 1

    /// Whether bodies have the largest size that the default configuration accepts.
    static var isLong: Bool { count > 1 }
}
