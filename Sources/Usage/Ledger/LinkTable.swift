// SPDX-License-Identifier: Apache-2.0

/// Numbers by links, for what is asked several times for every observation.
///
/// Links are hashes already, so a `Dictionary`, which hashes them once more, costs several times as much. They are stirred with a
/// number that is new in every table, so that no sender can choose ids that fall on one place.
public struct LinkTable: Sendable {
    private var slots: [Slot]
    private var mask: UInt64
    private let stir = UInt64.random(in: .min ... .max)
    /// What is under the link zero, which in ``slots`` means that nothing is there.
    private var zero: Int64?

    /// How many links there are but for zero.
    private var count = 0

    private struct Slot {
        var link: UInt64 = 0
        var value: Int64 = 0
    }

    /// Creates an empty table.
    public init() {
        slots = [Slot](repeating: Slot(), count: 1_024)
        mask = 1_023
    }

    /// The number under a link; nil when there is none.
    public subscript(link: LedgerLink) -> Int64? {
        get {
            guard link.rawValue != 0 else { return zero }
            let slot = slots[place(of: link.rawValue)]
            return slot.link == 0 ? nil : slot.value
        }
        set {
            guard link.rawValue != 0 else { return zero = newValue }
            if let newValue { set(link.rawValue, newValue) } else { remove(link.rawValue) }
        }
    }

    /// The number under a link; when there is none, another is put there.
    ///
    /// - Returns: What was there; nil when the new number is there now.
    public mutating func value(of link: LedgerLink, orInsert value: Int64) -> Int64? {
        guard link.rawValue != 0 else {
            defer { zero = zero ?? value }
            return zero
        }
        let place = place(of: link.rawValue)
        if slots[place].link != 0 { return slots[place].value }
        add(link.rawValue, value, at: place)
        return nil
    }

    /// Sets bits of the number under a link; where there is none it is zero.
    public mutating func formUnion(_ bits: Int64, under link: LedgerLink) {
        guard link.rawValue != 0 else { return zero = (zero ?? 0) | bits }
        let place = place(of: link.rawValue)
        if slots[place].link == 0 { add(link.rawValue, bits, at: place) } else { slots[place].value |= bits }
    }

    /// Calls `body` with every link and its number, in no order.
    public func forEach(_ body: (LedgerLink, Int64) -> Void) {
        if let zero { body(LedgerLink(rawValue: 0), zero) }
        for slot in slots where slot.link != 0 { body(LedgerLink(rawValue: slot.link), slot.value) }
    }

    private mutating func set(_ link: UInt64, _ value: Int64) {
        let place = place(of: link)
        if slots[place].link == 0 { add(link, value, at: place) } else { slots[place].value = value }
    }

    /// Puts a link that is new where it belongs.
    private mutating func add(_ link: UInt64, _ value: Int64, at place: Int) {
        var place = place
        if (count + 1) * 4 > slots.count * 3 {
            grow()
            place = self.place(of: link)
        }
        count += 1
        slots[place] = Slot(link: link, value: value)
    }

    /// Takes a link away and moves up what is behind it only because its place was taken.
    private mutating func remove(_ link: UInt64) {
        var hole = place(of: link)
        guard slots[hole].link != 0 else { return }
        count -= 1
        var next = hole
        while true {
            next = (next + 1) & Int(mask)
            guard slots[next].link != 0 else { break }
            let distance = (next - home(of: slots[next].link)) & Int(mask)
            if distance >= (next - hole) & Int(mask) {
                slots[hole] = slots[next]
                hole = next
            }
        }
        slots[hole] = Slot()
    }

    /// Where a link would be in an empty table.
    @inline(__always)
    private func home(of link: UInt64) -> Int {
        let (high, low) = (link ^ stir).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: (high ^ low) & mask)
    }

    /// Where a link is, or the empty place where it would be; a quarter of all places are empty.
    @inline(__always)
    private func place(of link: UInt64) -> Int {
        var place = home(of: link)
        while slots[place].link != link, slots[place].link != 0 { place = (place + 1) & Int(mask) }
        return place
    }

    private mutating func grow() {
        let former = slots
        slots = [Slot](repeating: Slot(), count: former.count * 2)
        mask = UInt64(slots.count - 1)
        for slot in former where slot.link != 0 { slots[place(of: slot.link)] = slot }
    }
}
