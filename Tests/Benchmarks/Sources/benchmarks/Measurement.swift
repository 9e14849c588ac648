// SPDX-License-Identifier: Apache-2.0

import Allocations
import Glibc

/// The resources that some work used in this process.
struct Measurement {
    let name: String
    let records: Int
    let bytes: Int
    let wallSeconds: Double
    let cpuSeconds: Double
    let allocations: UInt64

    /// Does the work and measures it.
    static func of(_ name: String, records: Int, bytes: Int, _ work: () async throws -> Void) async rethrows
        -> Measurement
    {
        let (wall, cpu, blocks) = (Self.wall, Self.cpu, allocations_count())
        try await work()
        return Measurement(
            name: name,
            records: records,
            bytes: bytes,
            wallSeconds: Self.wall - wall,
            cpuSeconds: Self.cpu - cpu,
            allocations: allocations_count() - blocks
        )
    }

    /// The titles of ``row``.
    static let titles = ["work", "records/s", "MB/s", "CPU us/record", "allocations/record"]

    var row: [String] {
        [
            name, Self.grouped(Double(records) / wallSeconds), Self.grouped(Double(bytes) / wallSeconds / 1e6),
            Self.decimal(cpuSeconds / Double(records) * 1e6), Self.decimal(Double(allocations) / Double(records)),
        ]
    }

    /// The most memory that the process had at any time, in megabytes.
    static var peakMegabytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1_024
    }

    private static var wall: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static var cpu: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func grouped(_ number: Double) -> String {
        var digits = String(Int(number.rounded()))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: position))
            position -= 3
        }
        return digits
    }

    static func decimal(_ number: Double) -> String {
        let hundredths = Int((number * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}
