// SPDX-License-Identifier: Apache-2.0

/// The data quality of the periods that were asked for lately, in parts: one for each block of call numbers.
///
/// A store numbers its calls one after the other, notes with each change which blocks it touched, and at a question reads again only
/// the blocks that changed since the last one. Parts keep every name, so that their sum is exactly what reading all calls gives.
/// Bounded: at most ``mostPeriods`` periods and ``mostEntries`` entries; a period with more is read as a whole each time.
public struct QualityParts: Sendable {
    /// The periods, those asked for last at the end.
    private var periods: [QualityReading] = []
    /// The newest change of each block.
    private var changed: [Int64: Int64] = [:]
    /// Any block may have changed in this revision, and nothing is known of those before it.
    private var first: Int64 = 0
    /// The newest revision whose changes are known; nil when changes may have been missed.
    public private(set) var latest: Int64?

    /// Distinguishes the memory from every other one.
    let opening = UInt64.random(in: .min ... .max)

    /// How many periods are remembered.
    static let mostPeriods = 8
    /// How many entries the parts have together, each about 150 bytes.
    static let mostEntries = 50_000
    /// How many changed blocks are remembered.
    private static let mostBlocks = 65_536

    /// Creates a memory of nothing.
    public init() {}

    /// The block of a call's number.
    public static func block(of call: Int64) -> Int64 { call >> blockBits }

    /// The numbers of a block.
    public static func calls(of block: Int64) -> ClosedRange<Int64> {
        let first = block << blockBits
        return first...(first | ((1 << blockBits) - 1))
    }

    /// A block has 2,048 numbers: some milliseconds of reading.
    public static let blockBits: Int64 = 11

    /// Notes the blocks that a transaction changes; to be called before readers can see the change.
    ///
    /// - Parameter revision: The number of the transaction, one more than that of the last. After a gap, when another program has
    ///   written, everything is forgotten.
    public mutating func note(_ blocks: some Sequence<Int64>, in revision: Int64) {
        guard let latest, latest == revision &- 1, changed.count < Self.mostBlocks else {
            forget()
            (latest, first) = (revision, revision)
            return
        }
        self.latest = revision
        for block in blocks { changed[block] = revision }
    }

    /// Notes the blocks that the transactions since ``latest`` changed, each with its newest change.
    ///
    /// - Parameter revision: The number of the newest of them.
    public mutating func note(_ changes: [Int64: Int64], upTo revision: Int64) {
        guard latest != nil, changed.count + changes.count < Self.mostBlocks else {
            forget()
            (latest, first) = (revision, revision)
            return
        }
        latest = revision
        for (block, change) in changes { changed[block] = max(change, changed[block] ?? 0) }
    }

    /// Forgets everything: after a transaction that failed, whose number another one will have.
    public mutating func forget() {
        (periods, changed, latest) = ([], [:], nil)
    }

    /// The blocks that changed after a revision, for a reader that knows the state which that revision left.
    ///
    /// - Parameter present: The state that is read now.
    /// - Returns: The blocks in order; nil when any may have changed.
    mutating func blocks(changedAfter revision: Int64, at present: Int64) -> [Int64]? {
        noteReading(at: present)
        guard revision >= first, revision <= present else { return nil }
        return changed.filter { $0.value > revision }.keys.sorted()
    }

    /// Forgets everything when another program has written.
    private mutating func noteReading(at revision: Int64) {
        guard latest.map({ revision > $0 }) ?? true else { return }
        forget()
        (latest, first) = (revision, revision)
    }

    /// Begins to answer a question from the state that a revision left.
    public mutating func reading(of period: Period, at revision: Int64) -> QualityReading {
        noteReading(at: revision)
        guard let position = periods.firstIndex(where: { $0.isOf(period) }) else {
            return QualityReading(of: period, at: revision)
        }
        let known = periods.remove(at: position)
        periods.append(known)
        return known.next(at: revision, changed) ?? QualityReading(of: period, at: revision)
    }

    /// Remembers what was read for a question.
    public mutating func keep(_ reading: QualityReading) {
        guard latest != nil, reading.revision >= first, reading.isKept else { return }
        if let position = periods.firstIndex(where: { $0.isSamePeriod(as: reading) }) {
            guard periods[position].revision <= reading.revision else { return }
            periods.remove(at: position)
        }
        periods.append(reading)
        var entries = periods.reduce(0) { $0 + $1.entries }
        while periods.count > Self.mostPeriods || entries > Self.mostEntries {
            entries -= periods.removeFirst().entries
        }
    }
}

/// The quality of one period in the making: what is remembered of it, and the calls that are read again.
public struct QualityReading: Sendable {
    private let start: Timestamp
    private let end: Timestamp
    /// The state that is read.
    let revision: Int64
    /// The blocks whose calls must be added, all those of the period; nil when it is every block.
    public private(set) var blocks: [Int64]?
    private var parts: [Int64: DataQuality] = [:]
    /// How many entries the parts have.
    private(set) var entries = 0
    /// Everything in one once the parts are too large; nil before.
    private var whole: DataQuality?

    fileprivate init(of period: Period, at revision: Int64) {
        (start, end, self.revision) = (period.start, period.end, revision)
    }

    /// Whether the parts are small enough to be remembered.
    var isKept: Bool { whole == nil }

    func isOf(_ period: Period) -> Bool { (start, end) == (period.start, period.end) }

    func isSamePeriod(as other: QualityReading) -> Bool { (start, end) == (other.start, other.end) }

    /// The same period in a later state; nil when that is an earlier one.
    fileprivate func next(at revision: Int64, _ changed: [Int64: Int64]) -> QualityReading? {
        guard revision >= self.revision else { return nil }
        let stale = changed.lazy.filter { $0.value > self.revision }.map(\.key)
        var next = QualityReading(copying: self, at: revision)
        next.blocks = Array(stale)
        for block in stale { next.entries -= next.parts.removeValue(forKey: block)?.entries ?? 0 }
        return next
    }

    private init(copying known: QualityReading, at revision: Int64) {
        (start, end, self.revision) = (known.start, known.end, revision)
        (parts, entries) = (known.parts, known.entries)
    }

    /// Adds a call of the period.
    ///
    /// - Parameters:
    ///   - number: Its number in the store.
    ///   - agent: The agent of its session, or its own.
    ///   - machine: The machine of its session, or its own.
    public mutating func add(_ call: Call, number: Int64, agent: String?, machine: String?) {
        guard whole == nil else {
            whole?.add(call, agent: agent, machine: machine)
            return
        }
        entries += parts[QualityParts.block(of: number), default: DataQuality()].count(call, agent, machine)
        guard entries > QualityParts.mostEntries else { return }
        whole = sum
        (parts, entries) = ([:], 0)
    }

    /// What is known of all calls, names bounded.
    public var quality: DataQuality {
        var quality = whole ?? sum
        quality.boundNames()
        return quality
    }

    private var sum: DataQuality { parts.values.reduce(into: DataQuality()) { $0.add($1) } }
}

extension DataQuality {
    /// How many entries a part has.
    fileprivate var entries: Int { 1 + sources.count + costs.count }

    /// Adds a call; how many entries that makes more.
    fileprivate mutating func count(_ call: Call, _ agent: String?, _ machine: String?) -> Int {
        let before = calls == 0 && rollUps == 0 ? 0 : entries
        add(call, agent: agent, machine: machine)
        return entries - before
    }
}
