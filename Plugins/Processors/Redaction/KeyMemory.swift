// SPDX-License-Identifier: Apache-2.0

/// The classes of keys that no table knows, each found once: records repeat their keys.
struct KeyMemory: Sendable {
    private struct Entry {
        var hash: UInt32
        var start: UInt32
        var length: UInt32
        var keyClass: KeyClass
    }

    private var entries: [Entry] = []
    /// The keys, one after the other.
    private var names: [UInt8] = []
    /// For each hash the position in ``entries`` plus one, the next free place behind it.
    private var places = [UInt16](repeating: 0, count: size)
    /// Whether a key was added, or found no room.
    private(set) var hasChanged = false

    private static let size = 4_096
    private static let mostKeys = 1_024
    private static let mostBytes = 1 << 16

    /// Whether there is no room for more keys.
    var isFull: Bool { entries.count >= Self.mostKeys || names.count >= Self.mostBytes }

    /// Forgets that keys were added; a memory that is full begins again.
    func settled() -> KeyMemory {
        if isFull { return KeyMemory() }
        var memory = self
        memory.hasChanged = false
        return memory
    }

    /// The class of a key and the number it is counted by; without room there is no number.
    ///
    /// - Parameter classify: Finds the class of a key that is new.
    mutating func find(_ key: ArraySlice<UInt8>, _ classify: (ArraySlice<UInt8>) -> KeyClass) -> (
        KeyClass, number: Int?
    ) {
        let hash = Self.hash(key)
        var place = Int(hash) & (Self.size - 1)
        while places[place] != 0 {
            let number = Int(places[place]) - 1
            if entries[number].hash == hash, name(entries[number]).elementsEqual(key) {
                return (entries[number].keyClass, number)
            }
            place = (place + 1) & (Self.size - 1)
        }
        let keyClass = classify(key)
        hasChanged = true
        guard !isFull else { return (keyClass, nil) }
        entries.append(
            Entry(hash: hash, start: UInt32(names.count), length: UInt32(key.count), keyClass: keyClass)
        )
        names += key
        places[place] = UInt16(entries.count)
        return (keyClass, entries.count - 1)
    }

    /// The key of a number.
    func key(_ number: Int) -> String { String(decoding: name(entries[number]), as: UTF8.self) }

    private func name(_ entry: Entry) -> ArraySlice<UInt8> {
        names[Int(entry.start)..<Int(entry.start) + Int(entry.length)]
    }

    private static func hash(_ key: ArraySlice<UInt8>) -> UInt32 {
        key.withUnsafeBytes { bytes in
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
}
