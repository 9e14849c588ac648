// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

@testable import JSONLExporter

/// How numbers, hashes and names are written into a line.
struct JSONBytesTests {
    private func text(_ write: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        write(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [0, 9, 10, 4_700, .max - 1, .max] as [UInt64])
    func `a number has the digits that Swift gives it`(number: UInt64) {
        #expect(text { $0.append(decimal: number) } == "\(number)")
    }

    @Test(arguments: [.min, -10, -1, 0, 7, .max] as [Int64])
    func `a number below zero has its sign`(number: Int64) {
        #expect(text { $0.append(decimal: number) } == "\(number)")
    }

    @Test func `a hash has sixteen digits`() {
        #expect(text { $0.append(hash: 1) } == "\"0000000000000001\"")
        #expect(text { $0.append(hash: 0xFEDC_BA98_7654_3210) } == "\"fedcba9876543210\"")
    }

    @Test func `members are parted by commas, the first follows its brace`() {
        let object = text { bytes in
            bytes.append("{")
            bytes.append("a", number: 1)
            bytes.append("b", text: "x\"y")
            bytes.append(key: "list")
            bytes.append("[")
            bytes.append(hash: 2)
            bytes.append("]")
            bytes.append("cost", money: Money(nanodollars: -1_050_000_000))
            bytes.append("}")
        }
        #expect(object == #"{"a":1,"b":"x\"y","list":["0000000000000002"],"cost":-1.05}"#)
    }
}
