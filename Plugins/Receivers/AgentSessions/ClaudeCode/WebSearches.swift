// SPDX-License-Identifier: Apache-2.0

import JSON

/// The web searches of the tool WebSearch, which Claude Code runs itself: which call asked for them, and how many there were.
///
/// The usage of the call that asks leaves them at 0; their number is in the line of the tool's result (`toolUseResult.searchCount`), which
/// comes later and names the tool's use. Anthropic bills each to the request that asked (kenn-io/agentsview and Claudoscope compared
/// both with bills). The call is therefore handed out a second time with the number; the larger number of a call holds, so that neither a
/// second reading nor a usage that has the searches itself (`server_tool_use`) counts them twice.
struct WebSearches: Equatable {
    /// Calls that used the tool, the oldest first.
    private(set) var calls: [AskingCall] = []

    /// A call with uses of the tool.
    struct AskingCall: Equatable {
        var call: CallRecord
        var uses: [Use]
    }

    /// One use of the tool.
    struct Use: Equatable {
        var id: String
        /// How many searches it made; nil as long as there is no result.
        var count: Int64?
    }

    /// How many calls are remembered, and how many uses of each: a result follows within a few lines.
    static let mostCalls = 16
    static let mostUses = 32

    /// Whether there is a use without a result.
    var isWaiting: Bool { calls.contains { $0.uses.contains { $0.count == nil } } }

    /// Remembers that a call used the tool.
    mutating func note(_ call: CallRecord, uses: [String]) {
        let known = calls.firstIndex { Self.isSame($0.call, call) }
        let place = known ?? calls.count
        if known == nil { calls.append(AskingCall(call: call, uses: [])) } else { calls[place].call.merge(call) }
        for id in uses where calls[place].uses.count < Self.mostUses {
            if !calls[place].uses.contains(where: { $0.id == id }) { calls[place].uses.append(Use(id: id)) }
        }
        if calls.count > Self.mostCalls { calls.removeFirst() }
    }

    /// Whether two lines are of one answer: behind some gateways all answers have one id, and only the prompts differ.
    private static func isSame(_ left: CallRecord, _ right: CallRecord) -> Bool {
        left.identity == right.identity && left.request == right.request && left.input == right.input
            && left.cacheRead == right.cacheRead && left.cacheWrite == right.cacheWrite
    }

    /// Takes in the result of a use.
    ///
    /// - Returns: The call that asked, with all its searches; nil when no call is known or the result adds nothing.
    mutating func answer(_ id: String, count: Int64) -> CallRecord? {
        for place in calls.indices {
            guard let use = calls[place].uses.firstIndex(where: { $0.id == id }) else { continue }
            let before = calls[place].uses[use].count ?? 0
            calls[place].uses[use].count = max(before, count)
            let sum = calls[place].uses.reduce(0) { $0 + min($1.count ?? 0, JSONScanner.largestCount) }
            guard count > before, sum > calls[place].call.webSearches else { return nil }
            calls[place].call.webSearches = sum
            return calls[place].call
        }
        return nil
    }

    /// Puts back a call that was remembered.
    mutating func restore(_ call: AskingCall) { calls.append(call) }
}
