// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PluginProcesses

struct LineLogTests {
    @Test func `lines come out whole wherever the stream is cut`() {
        let text = Array("one\r\n\ntwo\nthree".utf8)
        for cut in 0...text.count {
            var log = LineLog()
            let lines = log.append(text[..<cut], at: .zero).lines + log.append(text[cut...], at: .zero).lines
            #expect(lines == ["one", "two"], "cut at \(cut)")
            #expect(log.finish() == LineLog.Printed(lines: ["three"]))
        }
    }

    @Test func `a long line is cut`() {
        var log = LineLog()
        let printed = log.append([UInt8](repeating: 0x78, count: 100_000) + [0x0A], at: .zero)
        #expect(printed.lines.map(\.utf8.count) == [16_384 + " … (cut)".utf8.count])
    }

    @Test func `fifty lines at once and ten a second are logged, and the rest is counted`() {
        var log = LineLog()
        let hundred = Array(repeating: Array("x\n".utf8), count: 100).flatMap(\.self)
        let first = log.append(hundred, at: .zero)
        #expect(first.lines.count == 50 && first.suppressed == 50)
        let later = log.append(hundred, at: .seconds(1))
        #expect(later.lines.count == 10 && later.suppressed == 90)
        #expect(log.finish() == LineLog.Printed())
        _ = log.append(hundred, at: .seconds(1))
        #expect(log.finish().suppressed == 100)
    }
}
