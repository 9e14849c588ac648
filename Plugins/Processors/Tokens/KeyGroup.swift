// SPDX-License-Identifier: Apache-2.0

import OTLP

/// Keys that may hold one fact, in order of precedence.
struct KeyGroup: Sendable, ExpressibleByArrayLiteral {
    let keys: [AttributeKey]
    /// The keys as a set: most records have none of a group's keys, which one bit operation shows.
    let set: KeySet

    init(arrayLiteral keys: AttributeKey...) { self.init(keys) }

    init(_ keys: [AttributeKey]) {
        self.keys = keys
        set = keys.reduce(into: KeySet()) { $0.insert($1) }
    }
}

/// A set of attribute keys, a bit for each (``AttributeKey/limit``).
struct KeySet: Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)

    mutating func insert(_ key: AttributeKey) {
        let bit = UInt64(1) << UInt64(key.rawValue & 63)
        switch key.rawValue >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        case 3: words.3 |= bit
        default: words.4 |= bit
        }
    }

    func contains(_ key: AttributeKey) -> Bool {
        let bit = UInt64(1) << UInt64(key.rawValue & 63)
        return switch key.rawValue >> 6 {
        case 0: words.0 & bit != 0
        case 1: words.1 & bit != 0
        case 2: words.2 & bit != 0
        case 3: words.3 & bit != 0
        default: words.4 & bit != 0
        }
    }

    func intersects(_ other: KeySet) -> Bool {
        let common = words.0 & other.words.0 | words.1 & other.words.1 | words.2 & other.words.2
        return common | words.3 & other.words.3 | words.4 & other.words.4 != 0
    }
}
