// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage
@testable import UsageDatabase

/// The sums of blocks of calls add up to what looking at every call gives.
struct QualityBlockTests {
    private static let midnight: Int64 = 1_795_305_600_000_000_000
    private static let owners = ["a", "b", ""].flatMap { agent in
        ["box", ""].map { QualityOwner(agent: agent, machine: $0) }
    }

    /// A call in the two days after midnight, of a session for each owner.
    private static func call(_ random: inout SystemRandomNumberGenerator) -> (call: Call, session: Int64, model: Int64)
    {
        let time = Timestamp(nanoseconds: midnight + .random(in: 0..<172_800, using: &random) * 1_000_000_000)
        var call = Call(id: 1, time: time, counts: TokenCounts(output: .random(in: 0...1, using: &random)))
        call.counts.cacheWrite5m = .random(in: 0...1, using: &random)
        let model = Int64.random(in: 1...3, using: &random)
        (call.model, call.isCounted) = ("m\(model)", Int.random(in: 0..<5, using: &random) > 0)
        call.knowsCacheLifetimes = .random(using: &random)
        call.sources = Observation.Source.all(
            inBits: .random(in: 0..<256, using: &random) & .random(in: 0..<256, using: &random)
        )
        (call.observationCount, call.isWeaklyJoined) = (.random(in: 1...2, using: &random), .random(using: &random))
        let amounts: [Money?] = [nil, .zero, Money(nanodollars: 5_000_000), Money(nanodollars: 9_000_000)]
        call.reportedCost = amounts.randomElement(using: &random) ?? nil
        let computed = amounts.randomElement(using: &random) ?? nil
        call.price = CallPrice(cost: computed ?? .zero, isPriced: computed != nil, computed: computed)
        return (call, .random(in: 0..<Int64(owners.count), using: &random), model)
    }

    private static func stored(_ call: Call, session: Int64, model: Int64) throws -> QualityCall {
        let counts = call.counts
        return try QualityCall(
            row: NumberRow([
                call.time.nanoseconds, session, model, call.isCounted ? 1 : 0, counts.uncachedInput, counts.cacheRead,
                counts.cacheWrite5m, counts.cacheWrite1h, counts.output, counts.reasoning,
                call.knowsCacheLifetimes ? 1 : 0,
                call.price?.isPriced == true ? 1 : 0, call.price?.computed?.nanodollars, call.reportedCost?.nanodollars,
                Observation.Source.bits(of: call.sources), Int64(call.observationCount), call.isWeaklyJoined ? 1 : 0,
            ])
        )
    }

    private static func periods() throws -> [Period] {
        let now = Timestamp(nanoseconds: midnight)
        var periods = try ["UTC", "Asia/Kathmandu", "Europe/Berlin"].map { zone in
            try Period(nil, from: "2026-11-22", to: "2026-11-22", timezone: zone, now: now)
        }
        // In the middle of quarters of an hour, also of one and the same.
        for (start, end) in [(1_000, 90_001), (100_000, 100_200), (900, 1_800)] as [(Int64, Int64)] {
            var period = periods[0]
            period.dayStarts = [start, end].map { Timestamp(nanoseconds: midnight + $0 * 1_000_000_000) }
            periods.append(period)
        }
        return periods
    }

    @Test(arguments: [0, 1, 400])
    func `packed or not, blocks add up to what every call gives`(count: Int) throws {
        var random = SystemRandomNumberGenerator()
        let blocks = (0..<3).map { _ in (0..<count).map { _ in Self.call(&random) } }
        for period in try Self.periods() {
            var expected = DataQuality()
            for each in blocks.joined() where each.call.time >= period.start && each.call.time < period.end {
                let owner = Self.owners[Int(each.session)]
                expected.add(each.call, agent: owner.agent, machine: owner.machine)
            }
            expected.boundNames()
            for isPacked in [false, true] {
                var tally = QualityTally(period)
                var rows = SparseTable<Int32>()
                for (row, owner) in Self.owners.enumerated() { rows[Int32(row + 1)] = tally.number(of: owner) }
                for block in blocks { try Self.add(block, isPacked, rows, period, to: &tally) }
                #expect(try tally.quality { "m\($0)" } == expected, "\(period.dayStarts) packed \(isPacked)")
            }
        }
    }

    private static func add(
        _ block: [(call: Call, session: Int64, model: Int64)],
        _ isPacked: Bool,
        _ rows: SparseTable<Int32>,
        _ period: Period,
        to tally: inout QualityTally
    ) throws {
        let calls = try block.map { try stored($0.call, session: $0.session, model: $0.model) }
        let sums = try sums(calls)
        let isCut: Bool
        if isPacked {
            let places = try sums.owners.map { Int64(try #require(owners.firstIndex(of: $0)) + 1) }
            let bytes = try #require(sums.packed(places))
            let added = bytes.withUnsafeBytes { tally.add(packed: $0, rows) }
            isCut = try #require(added as Bool?, "a packed block is damaged")
        } else {
            isCut = tally.add(sums)
        }
        guard isCut else { return }
        let (times, cut) = (period.start.nanoseconds..<period.end.nanoseconds, tally.cut)
        tally.addAll(
            try Self.sums(calls.filter { times.contains($0.time) && cut.contains($0.time / QuarterHour.nanoseconds) })
        )
    }

    private static func sums(_ calls: [QualityCall]) throws -> QualityBlock {
        try QualityBlock(calls) {
            owners[Int($0)]
        } refused: { _ in
            NumberRow.Refused()
        }
    }

    @Test func `what is damaged adds nothing, and damaged figures are not packed`() throws {
        var random = SystemRandomNumberGenerator()
        var call = Self.call(&random).call
        (call.isCounted, call.reportedCost) = (true, Money(nanodollars: 7_000_000))
        call.price = CallPrice(cost: .zero, isPriced: true, computed: .zero)
        let stored = try Self.stored(call, session: 0, model: 1)
        let bytes = try #require(try Self.sums([stored]).packed([1]))
        var rows = SparseTable<Int32>()
        var tally = QualityTally(try Self.periods()[0])
        rows[1] = tally.number(of: Self.owners[0])
        for end in 0..<bytes.count {
            #expect(Array(bytes[..<end]).withUnsafeBytes { tally.add(packed: $0, rows) } == nil, "\(end)")
        }
        #expect(([2] + bytes.dropFirst()).withUnsafeBytes { tally.add(packed: $0, rows) } == nil)
        #expect(bytes.withUnsafeBytes { tally.add(packed: $0, SparseTable()) } == nil)
        #expect(try tally.quality { "m\($0)" } == DataQuality())
        call.reportedCost = Money(nanodollars: -1)
        #expect(try Self.sums([Self.stored(call, session: 0, model: 1)]).packed([1]) == nil)
    }

    @Test func `more blocks than fit are read each time, and one that changed makes room`() throws {
        let memory = QualityMemory()
        let stored = try (0..<2_000).map { number in
            var call = Call(
                id: 1,
                time: Timestamp(nanoseconds: Self.midnight + Int64(number) * QuarterHour.nanoseconds),
                counts: TokenCounts()
            )
            call.observationCount = 1
            return try Self.stored(call, session: 0, model: 1)
        }
        let sums = try Self.sums(stored)
        memory.advance(to: 1) { _ in [:] }
        let room = QualityMemory.mostEntries / sums.entries
        for block in 0...Int64(room) { memory.keep(sums, of: block, at: 1) }
        #expect((0...Int64(room)).filter { memory.sums(of: $0, at: 1) != nil }.count == room)
        memory.note([0], in: 2)
        #expect(memory.sums(of: 0, at: 2) == nil)
        memory.keep(sums, of: Int64(room), at: 2)
        #expect(memory.sums(of: Int64(room), at: 2) != nil)
    }
}

/// A row of numbers, as a database hands it over.
private struct NumberRow: SQLRow {
    private let numbers: [Int64?]

    struct Refused: Error {}

    init(_ numbers: [Int64?]) { self.numbers = numbers }

    func int(_ column: Int32) -> Int64 { numbers[Int(column)] ?? 0 }
    func isNull(_ column: Int32) -> Bool { numbers[Int(column)] == nil }
    func text(_ column: Int32) -> String? { nil }
    func blob(_ column: Int32) -> [UInt8] { [] }
    func outOfRange(_ column: Int32) -> any Error { Refused() }
}
