// SPDX-License-Identifier: Apache-2.0

/// A table whose keys are hashes already, for what is counted or looked up many times in a batch.
///
/// A `Dictionary` hashes each key once more, which costs more than everything else that is done with it here. Keys are stirred with
/// a number that is new in every process, so that no sender can choose ids that fall on one place.
package struct HashTable<Value: BitwiseCopyable> {
    private var slots: [Slot]
    private var mask: UInt64
    private let stir = hashTableStir
    /// The value of the key zero, which in ``slots`` means that nothing is there.
    private var zero: Value?
    private var count = 0

    private struct Slot {
        var key: UInt64
        var value: Value
    }

    /// What a key without a value has.
    private let absent: Value

    /// Creates a table with room for some keys; it grows when there are more.
    package init(capacity: Int, absent: Value) {
        let size = UInt64(max(8, capacity * 2).nextPowerOfTwo)
        mask = size - 1
        self.absent = absent
        slots = [Slot](repeating: Slot(key: 0, value: absent), count: Int(size))
    }

    /// The value of a key, or the one for absent keys.
    package subscript(key: UInt64) -> Value {
        get {
            guard key != 0 else { return zero ?? absent }
            return slots[place(of: key)].value
        }
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

    /// Where a key stands, or the empty place where it would.
    @inline(__always)
    private func place(of key: UInt64) -> Int {
        let (high, low) = (key ^ stir).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        var place = Int(truncatingIfNeeded: (high ^ low) & mask)
        while slots[place].key != key, slots[place].key != 0 {
            place = Int(truncatingIfNeeded: UInt64(truncatingIfNeeded: place + 1) & mask)
        }
        return place
    }

    private mutating func grow() {
        let former = slots
        slots = [Slot](repeating: Slot(key: 0, value: absent), count: former.count * 2)
        mask = UInt64(slots.count - 1)
        for slot in former where slot.key != 0 { slots[place(of: slot.key)] = slot }
    }
}

private let hashTableStir = UInt64.random(in: .min ... .max)

extension Int {
    /// The smallest power of two that is not smaller.
    fileprivate var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
