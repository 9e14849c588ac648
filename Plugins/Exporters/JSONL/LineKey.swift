// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The names of members that are read; found by a few of their bytes, because a start reads millions of them.
enum LineKey: String, CaseIterable {
    case id
    case timeUnixNano
    case source
    case emitter = "witness"
    case priority = "authority"
    case model
    case provider
    case sessionId
    case sessionIsTrace
    case sessionIsFork
    case agent
    case user
    case userIsShared
    case project
    case machine
    case team
    case inputTokens
    case outputTokens
    case cacheReadTokens
    case cacheWrite5m
    case cacheWrite1h
    case reasoningTokens
    case cacheLifetimes
    case reportedCost
    case fast
    case serviceTier
    case geography
    case webSearches
    case durationNano
    case error
    case requestKey
    case answerKey
    case responseKey
    case lineageKey
    case blockingKey = "weakKey"
    case weakWindow
    case intervalKey
    case sideChain
    case span
    case spanKind
    case rollUp
    case ancestors
    case sighted
    case firstUnixNano
    case lastUnixNano
    case parent
    case provenance = "knowledge"
    case records
    case name
    case branch
    case agentVersion
    case taskStatus
    case nameUnixNano
    case branchUnixNano
    case versionUnixNano
    case statusUnixNano
    case endUnixNano
    case completed
    case reportedUnixNano
    case receivedAt
    case earliestUnixNano
    case latestUnixNano
    case calls
    case expired
    case retired
    case sessions
    case snapshot
    case compactedUnixNano
    case cost
    case priced
    case computedCost
    case observations
    case version
    case resourceLogs
    case resourceSpans
    case resourceMetrics
    /// Every other name.
    case other

    /// The name in these bytes.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self = .other
        guard !range.isEmpty else { return }
        var slot = Self.slot(bytes, range)
        while let candidate = Self.table[slot] {
            if candidate.name.elementsEqual(bytes[range]) {
                self = candidate.key
                return
            }
            slot = (slot + 1) & Self.mask
        }
    }

    /// What the records are whose member has this name.
    var signal: Signal? {
        switch self {
        case .resourceLogs: .logs
        case .resourceSpans: .traces
        case .resourceMetrics: .metrics
        default: nil
        }
    }

    // MARK: - Finding

    private static let mask = 1_023

    /// Names by their slots; two of one slot stand behind each other.
    private static let table: [(name: [UInt8], key: LineKey)?] = {
        var table: [(name: [UInt8], key: LineKey)?] = Array(repeating: nil, count: mask + 1)
        for key in allCases where key != .other {
            let name = Array(key.rawValue.utf8)
            var slot = slot(name, 0..<name.count)
            while table[slot] != nil { slot = (slot + 1) & mask }
            table[slot] = (name, key)
        }
        return table
    }()

    private static func slot(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        let (first, last) = (range.lowerBound, range.upperBound - 1)
        let middle = Int(bytes[first + range.count / 2])
        return (Int(bytes[first]) &* 31 &+ Int(bytes[last]) &* 7 &+ middle &* 131 &+ range.count &* 17) & mask
    }
}
