// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing

/// The specification of OTLP/HTTP, row by row, through a real socket.
struct OTLPConformanceTests {
    @Test(arguments: OTLPRow.all)
    func `the list of rows holds`(row: OTLPRow) async throws { try await row.check() }

    @Test func `every row of the sections on requests, sizes and answers is there`() {
        #expect(OTLPRow.all.map(\.number) == Array(1...40))
    }
}

/// One requirement.
struct OTLPRow: Sendable, CustomTestStringConvertible {
    let number: Int
    let requirement: String
    let check: @Sendable () async throws -> Void

    init(_ number: Int, _ requirement: String, check: @escaping @Sendable () async throws -> Void) {
        self.number = number
        self.requirement = requirement
        self.check = check
    }

    var testDescription: String { "row \(number): \(requirement)" }

    static let all = requests + sizes + answers + failures
}
