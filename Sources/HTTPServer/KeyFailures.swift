// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Wrong keys by address: after some of them each further answer takes longer, so that nobody can try many.
///
/// A right key is never held back, so that one bad client does not shut out others behind the same address.
package final class KeyFailures: Sendable {
    private struct Record {
        var count: Int
        var last: NIODeadline
    }

    private let records = Mutex<[String: Record]>([:])

    package init() {}

    private static let most = 4_096
    private static let harmless = 5
    private static let longestDelay = TimeAmount.seconds(4)
    /// After so long without a wrong key an address is forgotten.
    private static let memory = TimeAmount.minutes(10)

    /// Notes a wrong key; returns for how long the answer is to be held back.
    func note(_ address: String, at now: NIODeadline) -> TimeAmount {
        let address = Self.network(address)
        let count = records.withLock { records in
            if records.count >= Self.most, records[address] == nil { Self.makeRoom(in: &records, now) }
            var record = records[address] ?? Record(count: 0, last: now)
            if now - record.last > Self.memory { record.count = 0 }
            record.count += 1
            record.last = now
            records[address] = record
            return record.count
        }
        guard count > Self.harmless else { return .zero }
        let doublings = min(10, count - Self.harmless - 1)
        return min(Self.longestDelay, TimeAmount.milliseconds(250 << Int64(doublings)))
    }

    /// How many addresses are remembered.
    var count: Int { records.withLock(\.count) }

    /// Forgets what is old, or the oldest half.
    private static func makeRoom(in records: inout [String: Record], _ now: NIODeadline) {
        records = records.filter { now - $0.value.last <= memory }
        guard records.count >= most else { return }
        let newest = records.sorted { $0.value.last > $1.value.last }.prefix(most / 2)
        records = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
    }

    /// One client has all addresses of an IPv6 network of 64 bits.
    private static func network(_ address: String) -> String {
        guard address.contains(":"), !address.contains(".") else { return address }
        return address.split(separator: ":", omittingEmptySubsequences: false).prefix(4).joined(separator: ":")
    }
}
