// SPDX-License-Identifier: Apache-2.0

import CollectorKit
public import Usage

/// The delays between attempts.
struct RetryPolicy: Sendable, Hashable {
    var initial: Duration
    var factor: Double
    var multiplier: Double
    var longest: Duration
    /// After this time a batch is given up; nil for never.
    var limit: Duration?

    /// The longest delay that a destination can request.
    static let longestAsked = Duration.seconds(600)

    init(_ config: RetryConfig) {
        initial = config.initialInterval.duration
        factor = config.randomizationFactor
        multiplier = config.multiplier
        longest = config.maxInterval.duration
        limit = config.maxElapsedTime.nanoseconds > 0 ? config.maxElapsedTime.duration : nil
    }

    /// The delay after a number of consecutive failures.
    ///
    /// - Parameters:
    ///   - asked: The delay that the destination requested; the longer one is used.
    ///   - chance: A random number from 0 to 1.
    func wait(after failures: Int, asked: Duration?, chance: Double) -> Duration {
        var wait = initial
        for _ in 1..<max(1, min(failures, 1_000)) where wait < longest { wait = wait * multiplier }
        wait = min(wait, longest) * (1 + factor * (2 * chance - 1))
        return max(wait, min(asked ?? .zero, Self.longestAsked))
    }
}

/// The delay between attempts of an exporter that sends by itself, without a ``QueuedExporter``.
public enum RetryDelay {
    /// The delay after a number of consecutive failures, with the random part of the configuration.
    ///
    /// - Parameter asked: The delay that the destination requested; the longer one is used.
    public static func wait(_ config: RetryConfig, after failures: Int, asked: Duration?) -> Duration {
        RetryPolicy(config).wait(after: failures, asked: asked, chance: .random(in: 0...1))
    }
}

/// Parses the `Retry-After` field: seconds, or an HTTP date (RFC 9110, 10.2.3).
public enum RetryAfter {
    /// The delay; nil for an unreadable value.
    public static func wait(_ text: String, now: Timestamp) -> Duration? {
        let text = text.filter { $0 != " " || text.contains(",") }
        if !text.isEmpty, text.utf8.allSatisfy({ 48...57 ~= $0 }) {
            return .seconds(Int64(text) ?? .max / 4_000_000_000)
        }
        guard let date = date(text) else { return nil }
        return .nanoseconds(max(0, date.nanoseconds - now.nanoseconds))
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Parses `Sun, 06 Nov 1994 08:49:37 GMT`, the form that servers send; the two obsolete forms are not supported.
    private static func date(_ text: String) -> Timestamp? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", words[1].count == 2, words[3].count == 4,
            let month = months.firstIndex(where: { $0 == words[2] })
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(iso8601: "\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }
}
