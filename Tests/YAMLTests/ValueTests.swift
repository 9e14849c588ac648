// SPDX-License-Identifier: Apache-2.0

import Testing
import YAML

@Suite struct ValueTests {
    static let durations: [(text: String, nanoseconds: Int64, canonical: String)] = [
        ("300ms", 300_000_000, "300ms"), ("5s", 5_000_000_000, "5s"), ("1m30s", 90_000_000_000, "1m30s"),
        ("90d", 7_776_000_000_000_000, "90d"), ("0s", 0, "0s"), ("0", 0, "0s"), ("24h", 86_400_000_000_000, "1d"),
        ("7ns", 7, "7ns"),
        ("250us", 250_000, "250us"), ("1.5h", 5_400_000_000_000, "1h30m"), ("0.1s", 100_000_000, "100ms"),
        ("106751d", 9_223_286_400_000_000_000, "106751d"), ("1s1s", 2_000_000_000, "2s"),
    ]

    @Test(arguments: durations)
    func `a duration is read and written`(row: (text: String, nanoseconds: Int64, canonical: String)) throws {
        let duration = try ConfigDuration(parsing: row.text)
        #expect(duration.nanoseconds == row.nanoseconds)
        #expect(duration.duration == .nanoseconds(row.nanoseconds))
        #expect(duration.description == row.canonical)
        #expect(try ConfigDuration(parsing: row.canonical) == duration)
    }

    private struct Typed: ConfigSection {
        var values: [TypedScalar] = []
    }

    @Test func `a value of any type has the type that its spelling gives it, and is written so`() throws {
        var diagnostics = Diagnostics()
        let text = "values: [1.10, '1.10', 12, \"0012\", true, 'true', word, !!str 5, 1e3, '']"
        let node = try #require(Node(parsing: SourceFile(name: "a.yaml", text: text), diagnostics: &diagnostics))
        let typed = ConfigDecoder().decode(Typed.self, from: node, over: Typed(), diagnostics: &diagnostics)
        #expect(diagnostics.rendered() == "")
        #expect(
            typed.values.map(\.resolved) == [
                .float(1.1), .string, .integer(12), .string, .boolean(true), .string, .string, .string, .float(1000),
                .string,
            ]
        )
        #expect(typed.values.map(\.text) == ["1.10", "1.10", "12", "0012", "true", "true", "word", "5", "1e3", ""])
        let encoded = try Node(encoding: typed)
        let again = try #require(
            Node(parsing: SourceFile(name: "b.yaml", text: encoded.rendered()), diagnostics: &diagnostics)
        )
        let back = ConfigDecoder().decode(Typed.self, from: again, over: Typed(), diagnostics: &diagnostics)
        #expect(back.values == typed.values)
    }

    @Test(arguments: [
        ("a: \"${env:A}\"\n", "a: \"${env:A}\"\n"), ("a: ${env:A}\n", "a: ${env:A}\n"),
        ("a: ${env:A}0\n", "a: ${env:A}0\n"), ("a: '0${env:A}'\n", "a: \"0${env:A}\"\n"),
        ("a: https://${env:A}/b\n", "a: https://${env:A}/b\n"), ("a: !!str ${env:A}\n", "a: \"${env:A}\"\n"),
        ("a: [\"${env:A}\"]\n", "a:\n  - \"${env:A}\"\n"),
    ])
    func `a reference is written in its style, which decides the type`(text: String, written: String) throws {
        var diagnostics = Diagnostics()
        let node = try #require(Node(parsing: SourceFile(name: "a.yaml", text: text), diagnostics: &diagnostics))
        #expect(node.rendered(redacting: nil) == written)
    }

    static let badDurations: [(text: String, code: String)] = [
        ("5", "missing-unit"), ("00", "missing-unit"), ("1m30", "missing-unit"), ("1.5", "missing-unit"),
        ("5 s", "missing-unit"), ("5S", "invalid-duration"), ("5sec", "invalid-duration"), ("-5s", "invalid-duration"),
        ("", "invalid-duration"), ("s", "invalid-duration"), (".5s", "invalid-duration"), ("1.s", "invalid-duration"),
        ("106752d", "out-of-range"), ("99999999999999999999s", "out-of-range"), ("106751d24h", "out-of-range"),
        ("5s ", "invalid-duration"), ("٥s", "invalid-duration"),
    ]

    @Test(arguments: badDurations)
    func `an invalid duration is refused`(row: (text: String, code: String)) {
        #expect(code { _ = try ConfigDuration(parsing: row.text) } == row.code)
    }

    static let sizes: [(text: String, bytes: Int64, canonical: String)] = [
        ("64MiB", 67_108_864, "64MiB"), ("10MB", 10_000_000, "10MB"), ("512KiB", 524_288, "512KiB"),
        ("1GiB", 1_073_741_824, "1GiB"), ("100B", 100, "100B"), ("0B", 0, "0B"), ("1kB", 1000, "1KB"),
        ("1.5KiB", 1536, "1536B"), ("2048KiB", 2_097_152, "2MiB"), ("20971520B", 20_971_520, "20MiB"),
        ("3TiB", 3 << 40, "3TiB"), ("20971520", 20_971_520, "20MiB"), ("1024", 1024, "1KiB"), ("0", 0, "0B"),
    ]

    @Test(arguments: sizes)
    func `a size is read and written`(row: (text: String, bytes: Int64, canonical: String)) throws {
        let size = try ConfigByteSize(parsing: row.text)
        #expect(size.bytes == row.bytes)
        #expect(size.description == row.canonical)
        #expect(try ConfigByteSize(parsing: row.canonical) == size)
    }

    static let badSizes: [(text: String, code: String, help: String)] = [
        ("64", "missing-unit", "write 64MiB or 64B"),
        ("1023", "missing-unit", "write 1023MiB or 1023B"),
        ("1.5", "missing-unit", "write 1.5MiB or 1.5B"),
        ("64 MiB", "missing-unit", "write 64MiB, without a space"),
        ("64Mi", "invalid-size", #"did you mean "MiB"?"#),
        ("64mib", "invalid-size", #"did you mean "MiB"?"#),
        ("64parsec", "invalid-size", "units: B, KB, KiB, MB, MiB, GB, GiB, TB, TiB"),
        ("1MiB1KiB", "invalid-size", "write a number with a unit and no space, such as 64MiB"),
        ("-1B", "invalid-size", "write a number with a unit and no space, such as 64MiB"),
    ]

    @Test(arguments: badSizes)
    func `an invalid size is refused with the correction`(row: (text: String, code: String, help: String)) {
        do {
            _ = try ConfigByteSize(parsing: row.text)
            Issue.record("accepted")
        } catch {
            #expect(error.code == row.code)
            #expect(error.help == row.help)
        }
        #expect(code { _ = try ConfigByteSize(parsing: "9223372036854775808B") } == "out-of-range")
        #expect(code { _ = try ConfigByteSize(parsing: "8388608TiB") } == "out-of-range")
    }

    @Test func `constructors saturate instead of trapping`() {
        #expect(ConfigDuration(seconds: .max).nanoseconds == .max)
        #expect(ConfigDuration(seconds: .min).nanoseconds == .min)
        #expect(!ConfigDuration(nanoseconds: .min).description.isEmpty)
        #expect(ConfigByteSize(mebibytes: .max).bytes == .max)
    }

    @Test func `only a leading tilde is the home directory`() {
        #expect(ConfigPath("~/a", home: "/h").path == "/h/a")
        #expect(ConfigPath("~", home: "/h/").path == "/h")
        #expect(ConfigPath("~other/a", home: "/h").path == "~other/a")
        #expect(ConfigPath("a/~/b", home: "/h").path == "a/~/b")
        #expect(ConfigPath("~/a").path == "~/a")
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ConfigValueError)?.code
        }
    }
}
