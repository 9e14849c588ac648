// SPDX-License-Identifier: Apache-2.0

/// Which calls of a range of time are wanted.
///
/// A store answers with all of them at once, so a range should hold some ten thousand calls at most: ``UsageSummary/byDay`` says how many
/// a day has.
public struct CallQuery: Sendable, Hashable {
    /// The first instant.
    public var start: Timestamp
    /// The first instant after the range.
    public var end: Timestamp
    /// Which calls.
    public var filter = UsageFilter()

    /// Creates a question about all calls that ended within a range.
    public init(from start: Timestamp, to end: Timestamp) {
        (self.start, self.end) = (start, end)
    }
}
