// SPDX-License-Identifier: Apache-2.0

/// Small numbers by keys that are hashes already, for what is counted or looked up many times in a batch.
///
/// A `Dictionary` hashes each key once more, which costs more than everything else that is done with it here. Keys are stirred with
/// a number that is new in every process, so that no sender can choose ids that fall on one place. Not generic, so that other
/// modules call it directly.
package struct HashTable {
    private var slots: [Slot]
    private var mask: UInt64
    private var count = 0
    /// What is under the key zero, which in ``slots`` means that nothing is there.
    private var zero: Int32
    private let absent: Int32
    private let stir = hashTableStir

    private struct Slot {
        var key: UInt64
        var value: Int32
    }

    /// Creates a table with room for some keys; it grows when there are more.
    ///
    /// - Parameter absent: What a key has as long as nothing was set.
    package init(capacity: Int, absent: Int32) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        mask = UInt64(size - 1)
        zero = absent
        self.absent = absent
        slots = [Slot](repeating: Slot(key: 0, value: absent), count: size)
    }

    /// The number under a key.
    package subscript(key: UInt64) -> Int32 {
        get { key == 0 ? zero : slots[place(of: key)].value }
        set {
            guard key != 0 else { return zero = newValue }
            var place = place(of: key)
            if slots[place].key == 0 {
                if (count + 1) * 2 > slots.count {
                    grow()
                    place = self.place(of: key)
                }
                count += 1
                slots[place].key = key
            }
            slots[place].value = newValue
        }
    }

    /// Where a key stands, or the empty place where it would; half of all places are empty.
    @inline(__always)
    private func place(of key: UInt64) -> Int {
        let (high, low) = (key ^ stir).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        var place = (high ^ low) & mask
        while true {
            let found = slots[Int(truncatingIfNeeded: place)].key
            if found == key || found == 0 { return Int(truncatingIfNeeded: place) }
            place = (place &+ 1) & mask
        }
    }

    private mutating func grow() {
        let former = slots
        slots = [Slot](repeating: Slot(key: 0, value: absent), count: former.count * 2)
        mask = UInt64(slots.count - 1)
        for slot in former where slot.key != 0 { slots[place(of: slot.key)] = slot }
    }
}

private let hashTableStir = UInt64.random(in: .min ... .max)
