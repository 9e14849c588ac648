// SPDX-License-Identifier: Apache-2.0

/// A cache of the classes of keys that no table contains: records repeat their keys.
struct KeyMemory: Sendable {
    private struct Entry {
        var hash: UInt32
        var start: UInt32
        var length: UInt32
        var keyClass: KeyClass
    }

    private var entries: [Entry] = []
    /// The bytes of all keys, concatenated.
    private var names: [UInt8] = []
    /// A hash table: the position in ``entries`` plus one; collisions take the next free slot.
    private var places = [UInt16](repeating: 0, count: size)
    /// Whether a key was added, or did not fit.
    private(set) var hasChanged = false

    private static let size = 4_096
    private static let mostKeys = 1_024
    private static let mostBytes = 1 << 16

    /// Whether there is no room for more keys.
    var isFull: Bool { entries.count >= Self.mostKeys || names.count >= Self.mostBytes }

    /// The memory with the flag cleared; a full memory is emptied.
    func settled() -> KeyMemory {
        if isFull { return KeyMemory() }
        var memory = self
        memory.hasChanged = false
        return memory
    }

    /// The class of a remembered key, and the number under which it is counted.
    func find(_ key: UnsafeRawBufferPointer) -> (keyClass: KeyClass, number: Int)? {
        let hash = Self.hash(key)
        var place = Int(hash) & (Self.size - 1)
        while places[place] != 0 {
            let number = Int(places[place]) - 1
            if entries[number].hash == hash, isEqual(entries[number], key) { return (entries[number].keyClass, number) }
            place = (place + 1) & (Self.size - 1)
        }
        return nil
    }

    /// Adds a new key; when the memory is full it has no number.
    mutating func add(_ key: UnsafeRawBufferPointer, _ keyClass: KeyClass) -> Int? {
        hasChanged = true
        guard !isFull else { return nil }
        let hash = Self.hash(key)
        var place = Int(hash) & (Self.size - 1)
        while places[place] != 0 { place = (place + 1) & (Self.size - 1) }
        entries.append(Entry(hash: hash, start: UInt32(names.count), length: UInt32(key.count), keyClass: keyClass))
        names += key
        places[place] = UInt16(entries.count)
        return entries.count - 1
    }

    private func isEqual(_ entry: Entry, _ key: UnsafeRawBufferPointer) -> Bool {
        guard Int(entry.length) == key.count else { return false }
        return names.withUnsafeBytes { names in
            let start = Int(entry.start)
            var offset = 0
            while offset &+ 8 <= key.count {
                guard
                    names.loadUnaligned(fromByteOffset: start &+ offset, as: UInt64.self)
                        == key.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                else { return false }
                offset &+= 8
            }
            while offset < key.count {
                guard names[start &+ offset] == key[offset] else { return false }
                offset &+= 1
            }
            return true
        }
    }

    /// The key with this number.
    func key(_ number: Int) -> String { String(decoding: name(entries[number]), as: UTF8.self) }

    private func name(_ entry: Entry) -> ArraySlice<UInt8> {
        names[Int(entry.start)..<Int(entry.start) + Int(entry.length)]
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hash = UInt64(truncatingIfNeeded: bytes.count) &* 0x9e37_79b9_7f4a_7c15
        var offset = 0
        while offset &+ 8 <= bytes.count {
            hash = (hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0xc2b2_ae3d_27d4_eb4f
            hash ^= hash >> 29
            offset &+= 8
        }
        while offset < bytes.count {
            hash = (hash ^ UInt64(bytes[offset])) &* 0x0000_0100_0000_01b3
            offset &+= 1
        }
        hash ^= hash >> 32
        return UInt32(truncatingIfNeeded: hash &* 0x9e37_79b9_7f4a_7c15 >> 32)
    }
}
