// SPDX-License-Identifier: Apache-2.0

import Usage

/// The origins of the latest observations of a batch, so that calls of one session with one model share one object.
struct RecentOrigins {
    private var recent: [SharedOrigin] = []
    private var next = 0

    /// Agents alternate between a few models; comparing more costs more than a new origin.
    private static let capacity = 8

    /// The origin with these texts, created when it is none of the latest.
    mutating func shared(_ texts: CallOrigin) -> SharedOrigin {
        if let known = recent.firstIndex(where: { $0.holds(texts) }) { return recent[known] }
        let origin = SharedOrigin(texts)
        if recent.count < Self.capacity {
            recent.append(origin)
        } else {
            recent[next] = origin
            next = (next + 1) % Self.capacity
        }
        return origin
    }
}
