// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// Hashes that are stored, and the table that uses them as they are.
struct HashTests {
    @Test(arguments: 0...40)
    func `the hash of bytes is the one that stores hold`(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
        var hash = StableHash(domain: "test")
        hash.combine(bytes: bytes.span.bytes)
        // Eight bytes at a time, lowest first; the rest as one number, highest first; then the count.
        var expected = StableHash(domain: "test")
        for start in stride(from: 0, through: count - 8, by: 8) {
            expected.combine(bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        expected.combine(bytes[(count - count % 8)...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        expected.combine(UInt64(count))
        #expect(hash.value == expected.value)
    }

    @Test func `a table finds what was set and nothing else`() {
        var random = SeededGenerator(seed: 7)
        var table = HashTable(capacity: 3, absent: -1)
        var expected: [UInt64: Int32] = [:]
        for step in Int32(0)..<5_000 {
            // Some keys again, some that share most of their bits, and zero.
            let key =
                UInt64.random(in: 0..<2_000, using: &random) << UInt64([0, 20, 52].randomElement(using: &random) ?? 0)
            expected[key] = step
            table[key] = step
        }
        #expect(expected.allSatisfy { table[$0.key] == $0.value })
        #expect((UInt64(1) << 40..<UInt64(1) << 40 + 500).allSatisfy { table[$0] == expected[$0] ?? -1 })
    }
}
