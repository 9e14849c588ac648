// SPDX-License-Identifier: Apache-2.0

/// Cuts what a plugin prints into lines for the log: each at most 16 KiB, at most 50 at once and 10 a second, the rest counted.
struct LineLog: Sendable {
    /// Lines to log, and how many were left out since the last ones.
    struct Printed: Sendable, Equatable {
        var lines: [String] = []
        var suppressed = 0
    }

    private static let longest = 16_384
    private static let burst = 50.0
    private static let perSecond = 10.0

    private var line: [UInt8] = []
    private var isCut = false
    private var allowance = burst
    private var last: Duration?
    private var suppressed = 0

    /// Takes a block; returns what there is to log.
    mutating func append(_ block: some Sequence<UInt8>, at now: Duration) -> Printed {
        if let last {
            let passed = (now - last) / .milliseconds(1) / 1_000
            allowance = min(Self.burst, allowance + max(0, passed) * Self.perSecond)
        }
        last = now
        var lines: [String] = []
        for byte in block {
            if byte == 0x0A {
                end(&lines)
            } else if line.count < Self.longest {
                line.append(byte)
            } else {
                isCut = true
            }
        }
        guard !lines.isEmpty else { return Printed() }
        defer { suppressed = 0 }
        return Printed(lines: lines, suppressed: suppressed)
    }

    /// The last line, when it has no end, and what was left out and not said.
    mutating func finish() -> Printed {
        var lines: [String] = []
        if !line.isEmpty { end(&lines) }
        defer { suppressed = 0 }
        return Printed(lines: lines, suppressed: suppressed)
    }

    private mutating func end(_ lines: inout [String]) {
        defer {
            line.removeAll(keepingCapacity: true)
            isCut = false
        }
        if line.last == 0x0D { line.removeLast() }
        guard !line.isEmpty else { return }
        guard allowance >= 1 else {
            suppressed += 1
            return
        }
        allowance -= 1
        lines.append(String(decoding: line, as: UTF8.self) + (isCut ? " … (cut)" : ""))
    }
}
