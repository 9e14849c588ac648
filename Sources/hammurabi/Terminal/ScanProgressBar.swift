// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Synchronization
import Usage

/// Shows on a terminal how far a scan is: one line on standard error that is written over.
final class ScanProgressBar: Sendable {
    private let now: @Sendable () -> Timestamp
    private let begun: Timestamp
    private let shown = Mutex<Timestamp?>(nil)

    /// The cells of the bar itself.
    private static let width = 24

    init(now: @escaping @Sendable () -> Timestamp) {
        self.now = now
        begun = now()
    }

    /// Draws the line, at most ten times a second.
    func show(_ progress: ScanProgress) {
        let present = now()
        let isDue = shown.withLock { last in
            guard last.map({ abs(present.milliseconds - $0.milliseconds) >= 100 }) ?? true else { return false }
            last = present
            return true
        }
        guard isDue else { return }
        Console.error(
            "\r\u{1B}[K" + Self.line(progress, milliseconds: max(0, present.milliseconds - begun.milliseconds))
        )
    }

    /// Takes the line away.
    func clear() {
        if shown.withLock({ $0 }) != nil { Console.error("\r\u{1B}[K") }
    }

    /// Files, bytes, calls, rate and what is left.
    static func line(_ progress: ScanProgress, milliseconds: Int64) -> String {
        let total = max(progress.totalBytes, progress.bytes, 1)
        let share = Double(progress.bytes) / Double(total)
        let cells = Int(share * Double(width))
        let bar = String(repeating: "█", count: cells) + String(repeating: "░", count: width - cells)
        let rate = Double(progress.bytes) / Double(max(1, milliseconds)) * 1_000
        let left = rate > 0 ? min(Double(total - progress.bytes) / rate, 1e9) : 0
        return "\(bar) \(Int(share * 100))%  \(Figures.grouped(Int64(progress.files)))/"
            + "\(Figures.grouped(Int64(progress.totalFiles))) files  \(megabytes(progress.bytes))/\(megabytes(total)) MB  "
            + "\(Figures.grouped(Int64(progress.calls))) calls  \(megabytes(Int64(rate))) MB/s  "
            + "\(Figures.duration(milliseconds: Int64(left * 1_000))) left"
    }

    private static func megabytes(_ bytes: Int64) -> String { Figures.grouped((bytes + 500_000) / 1_000_000) }
}
