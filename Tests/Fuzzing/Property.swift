// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Ends the process with a report when a property does not hold, which libFuzzer detects.
func require(_ condition: Bool, _ property: @autoclosure () -> String) {
    if !condition { fail(property()) }
}

/// Ends the process with a report.
func fail(_ property: String) -> Never {
    fatalError("broken property: \(property)")
}

/// The target of a program with several ones.
enum FuzzTarget {
    private static let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""

    static func isNamed(_ other: String) -> Bool { name == other }
}
