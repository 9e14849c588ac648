// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TelemetryHub

struct NameTests {
    @Test(arguments: [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"), ("gpt-4o-2024-08-06", "gpt-4o"),
        ("openrouter/anthropic/claude-opus-4", "claude-opus-4"), ("gpt-5.2-codex", "gpt-5.2-codex"),
        ("model-12345678", "model-12345678"), ("20250929", "20250929"), ("", ""),
    ])
    func `a model is shown without path and date`(name: String, short: String) {
        #expect(ShortNames(models: [name])[name] == short)
    }

    @Test func `two models never look the same`() {
        let names = ["claude-opus-4-20250514", "claude-opus-4-20260101", "azure/gpt-5", "gpt-5", "o3-20250401"]
        let short = ShortNames(models: names)
        #expect(names.map { short[$0] } == names.dropLast() + ["o3"])
    }

    @Test func `an id is shown as far as it takes to be unique`() {
        let ids = [
            "220b5ae6-99f8-46e4-9a5b-59c81d7c9bdf", "01a20251-7a81-7be3-a698-50c9e37fca60",
            "01a20251-e0b6-7d90-b0ed-3393fa130e71", "short", "01a20251-e0b6-7d90-b0ed-3393fa130e72",
        ]
        let short = ShortNames(ids: ids)
        #expect(ids.map { short[$0] } == ["220b5ae6", "01a20251-7a81", ids[2], "short", ids[4]])
    }

    @Test func `an id that a person chose stays whole`() {
        let ids = ["refactor-ledger-5b8f00", "add-csv-export-to-reports", "220b5ae6-99f8-46e4-9a5b-59c81d7c9bdf"]
        let short = ShortNames(ids: ids)
        #expect(ids.map { short[$0] } == [ids[0], ids[1], "220b5ae6"])
    }

    @Test(arguments: [
        ("2026-11-22", "2026-W47"), ("2026-01-01", "2026-W01"), ("2027-01-01", "2026-W53"), ("2024-12-30", "2025-W01"),
        ("2023-01-01", "2022-W52"), ("2021-01-03", "2020-W53"), ("2021-01-04", "2021-W01"), ("1970-01-01", "1970-W01"),
    ])
    func `a week begins on Monday and belongs to the year of its Thursday`(date: String, week: String) {
        #expect(CalendarWeek(containing: date)?.name == week)
    }

    @Test(arguments: ["", "2026-13-01", "today", "2026-11"])
    func `an invalid date has no week`(text: String) {
        #expect(CalendarWeek(containing: text) == nil)
    }
}
