// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

/// Which parts of a period's quality a query reads again.
struct QualityPartsTests {
    private let period: Period

    init() throws {
        period = try Period("today", timezone: "UTC", now: Timestamp(nanoseconds: 1_795_334_400_000_000_000))
    }

    /// Remembers one call in each of the blocks 0 and 1, read at revision 5.
    private func remembered() -> QualityParts {
        var parts = QualityParts()
        var reading = parts.reading(of: period, at: 5)
        for number in [1, 3_000] as [Int64] { add(number, &reading) }
        parts.keep(reading)
        return parts
    }

    private func add(_ number: Int64, machine: String? = nil, _ reading: inout QualityReading) {
        var call = Call(id: UInt64(number), time: period.start, counts: TokenCounts(output: 1))
        call.model = "m"
        reading.add(call, number: number, agent: "a", machine: machine)
    }

    @Test func `only blocks that changed are read again`() {
        var parts = remembered()
        parts.note([1, 7], in: 6)
        let reading = parts.reading(of: period, at: 6)
        #expect(reading.blocks?.sorted() == [1, 7])
        #expect(reading.quality.calls == 1)
        parts.keep(reading)
        #expect(parts.reading(of: period, at: 6).blocks == [])
    }

    @Test func `a change that comes while a question is answered is read with the next`() {
        var parts = remembered()
        let reading = parts.reading(of: period, at: 5)
        parts.note([0], in: 6)
        parts.keep(reading)
        #expect(parts.reading(of: period, at: 6).blocks == [0])
    }

    @Test func `an earlier state takes nothing from a later one, and leaves nothing`() {
        var parts = remembered()
        parts.note([], in: 6)
        parts.keep(parts.reading(of: period, at: 6))
        let earlier = parts.reading(of: period, at: 5)
        #expect(earlier.blocks == nil)
        parts.keep(earlier)
        #expect(parts.reading(of: period, at: 6).quality.calls == 2)
    }

    @Test(arguments: [false, true])
    func `a gap in the revisions or a failed transaction forgets everything`(fails: Bool) {
        var parts = remembered()
        let underWay = parts.reading(of: period, at: 5)
        if fails { parts.forget() } else { parts.note([], in: 7) }
        parts.keep(underWay)
        #expect(parts.reading(of: period, at: 7).blocks == nil)
    }

    @Test func `too many names are read each time and not remembered`() {
        var parts = QualityParts()
        var reading = parts.reading(of: period, at: 5)
        for number in 1...Int64(QualityParts.mostEntries) { add(number, machine: "box-\(number)", &reading) }
        #expect(!reading.isKept)
        #expect(reading.quality.calls == Int64(QualityParts.mostEntries))
        parts.keep(reading)
        #expect(parts.reading(of: period, at: 5).blocks == nil)
    }
}
