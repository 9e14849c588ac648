// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How much the hostile tests do: 1 for every change, more on demand (`HOSTILE_ROUNDS=10 swift test --filter Hostile`).
enum HostileRounds {
    static let count = max(1, ProcessInfo.processInfo.environment["HOSTILE_ROUNDS"].flatMap { Int($0) } ?? 1)

    /// Whether bodies have the full size that the default configuration takes.
    static var isLong: Bool { count > 1 }
}
