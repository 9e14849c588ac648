// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Collector

/// Code is taken out of memory, and nothing else.
struct CodePagesTests {
    @Test func `only code of files is named in a list of mappings`() throws {
        let list = FileManager.default.temporaryDirectory.appending(path: "maps-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: list) }
        try """
        1000-2000 r--p 00000000 fe:00 4907009                    /usr/bin/hammurabi
        2000-5000 r-xp 00001000 fe:00 4907009                    /usr/bin/hammurabi (deleted)
        5000-6000 rw-p 00004000 fe:00 4907009                    /usr/bin/hammurabi
        6000-7000 rwxp 00004000 fe:00 4907009                    /usr/lib/libwritable.so
        7000-8000 r-xs 00004000 fe:00 4907009                    /usr/lib/libshared.so
        8000-9000 r-xp 00000000 00:00 0
        9000-a000 r-xp 00000000 00:00 0                          [vdso]
        7fe804062000-7fe8040d6000 r-xp 00010000 fe:00 333474     /usr/lib/libm.so.6
        oops
        b000-a000 r-xp 00000000 fe:00 4907009                    /usr/bin/hammurabi

        """.write(to: list, atomically: true, encoding: .utf8)
        #expect(CodePages.mappings(in: list.path) == [0x2000..<0x5000, 0x7fe8_0406_2000..<0x7fe8_040d_6000])
        #expect(CodePages.mappings(in: list.path + ".none").isEmpty)
    }

    @Test func `the program goes on when its code is taken out of memory`() throws {
        let own = try #require(CodePages.mappings(in: "/proc/self/maps").max { $0.count < $1.count })
        #expect(own.count > 1 << 20)
        for _ in 0..<3 { CodePages.release() }
        #expect((0..<1_000).map { String($0, radix: 7) }.sorted().first == "0")
    }
}
