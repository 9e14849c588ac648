// SPDX-License-Identifier: Apache-2.0

/// Sums of all counted calls of a store by model and names, kept up to date by its changes.
///
/// Sums are exact: they are made of those of blocks, and a block is replaced as a whole. A value; not for several tasks at once.
public struct UsageMeter: Sendable {
    /// The dimensions whose names are kept apart.
    private let dimensions: [UsageDimension]
    private var blocks: [Int64: [Names: Sums]] = [:]
    /// Where it is in the changes of its store; nil before the first.
    public private(set) var cursor: UsageCursor?

    /// What calls have in common.
    public struct Names: Sendable, Hashable {
        /// The model; nil where it is unknown, or no dimension.
        public var model: String?
        /// The names of the session, those that are no dimension left out.
        public var session = SessionNames()
    }

    /// What some calls have together.
    public struct Sums: Sendable, Hashable {
        /// How many.
        public var calls: Int64 = 0
        /// How many of them have no price and are not in ``cost``.
        public var unpricedCalls: Int64 = 0
        /// Prompt tokens billed at the full input rate.
        public var input: Int128 = 0
        /// Prompt tokens read from a cache.
        public var cacheRead: Int128 = 0
        /// Prompt tokens written to a cache.
        public var cacheWrite: Int128 = 0
        /// Tokens the model produced, reasoning included.
        public var output: Int128 = 0
        /// The part of ``output`` that was reasoning.
        public var reasoning: Int128 = 0
        /// The cost in billionths of a dollar.
        public var cost: Int128 = 0
        /// The durations of those that have one.
        public var durations = DurationHistogram()

        /// Sums over nothing.
        public init() {}

        /// The sums over one call.
        public init(_ call: CountedCall) {
            (calls, unpricedCalls) = (1, call.price.isPriced ? 0 : 1)
            (input, cacheRead) = (Int128(call.counts.uncachedInput), Int128(call.counts.cacheRead))
            cacheWrite = Int128(call.counts.cacheWrite5m) + Int128(call.counts.cacheWrite1h)
            (output, reasoning) = (Int128(call.counts.output), Int128(call.counts.reasoning))
            cost = Int128(call.price.cost.nanodollars)
            if let duration = call.duration { durations.add(duration) }
        }

        /// Adds other sums.
        public static func += (left: inout Sums, right: Sums) {
            left.calls += right.calls
            left.unpricedCalls += right.unpricedCalls
            left.input += right.input
            left.cacheRead += right.cacheRead
            left.cacheWrite += right.cacheWrite
            left.output += right.output
            left.reasoning += right.reasoning
            left.cost += right.cost
            left.durations += right.durations
        }
    }

    /// Creates a meter that knows no call.
    ///
    /// - Parameter dimensions: The model and dimensions of sessions; others are left out.
    public init(by dimensions: [UsageDimension]) {
        self.dimensions = dimensions.filter { $0 == .model || $0.isOfSession }
    }

    /// Puts the calls of changed blocks in the place of those before.
    public mutating func take(_ changes: UsageChanges) {
        if changes.beginsAgain { blocks = [:] }
        for (block, calls) in changes.blocks {
            let sums = calls.reduce(into: [Names: Sums]()) { $0[names(of: $1), default: Sums()] += Sums($1) }
            blocks[block] = sums.isEmpty ? nil : sums
        }
        cursor = changes.next
    }

    /// The sums as they are now.
    public var sums: [Names: Sums] {
        blocks.values.reduce(into: [:]) { sums, block in
            for (names, more) in block { sums[names, default: Sums()] += more }
        }
    }

    private func names(of call: CountedCall) -> Names {
        var names = Names()
        for dimension in dimensions {
            if dimension == .model {
                names.model = call.model
            } else {
                names.session.take(dimension, from: call.names)
            }
        }
        return names
    }
}

extension SessionNames {
    /// Takes over one name.
    fileprivate mutating func take(_ dimension: UsageDimension, from other: SessionNames) {
        switch dimension {
        case .agent: agent = other.agent
        case .project: project = other.project
        case .user: user = other.user
        case .machine: machine = other.machine
        case .team: team = other.team
        case .branch: branch = other.branch
        case .agentKind: isSubagent = other.isSubagent
        default: break
        }
    }
}

/// How many durations are within which bounds, as OpenTelemetry's conventions for GenAI clients have them.
public struct DurationHistogram: Sendable, Hashable {
    /// The upper bounds in milliseconds, inclusive; what is longer is in one more bucket.
    public static let bounds: [Int64] = [
        10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 40_960, 81_920,
    ]

    /// How many durations each bucket has.
    public private(set) var counts = [Int64](repeating: 0, count: bounds.count + 1)
    /// Their sum in nanoseconds.
    public private(set) var sum: Int128 = 0

    /// A histogram of nothing.
    public init() {}

    /// How many durations there are.
    public var count: Int64 { counts.reduce(0, +) }

    /// Adds a duration in nanoseconds; a negative one counts as none at all.
    public mutating func add(_ duration: Int64) {
        let duration = max(0, duration)
        counts[Self.bounds.firstIndex { duration <= $0 * 1_000_000 } ?? Self.bounds.count] += 1
        sum += Int128(duration)
    }

    /// Adds another histogram.
    public static func += (left: inout DurationHistogram, right: DurationHistogram) {
        for bucket in left.counts.indices { left.counts[bucket] += right.counts[bucket] }
        left.sum += right.sum
    }
}
