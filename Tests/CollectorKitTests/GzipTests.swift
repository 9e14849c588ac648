// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import Testing

/// Decompressing up to a limit.
struct GzipTests {
    /// "hello" as gzip made it.
    private static let hello: [UInt8] = [
        0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x86, 0xA6, 0x10, 0x36,
        0x05, 0, 0, 0,
    ]

    @Test func `gzip is inflated`() throws {
        #expect(try Gzip.inflate(Self.hello, limit: 100) == Array("hello".utf8))
    }

    @Test func `several members are one body`() throws {
        #expect(try Gzip.inflate(Self.hello + Self.hello, limit: 100) == Array("hellohello".utf8))
    }

    @Test func `the limit is exact`() throws {
        #expect(try Gzip.inflate(Self.hello, limit: 5).count == 5)
        #expect(throws: Gzip.Failure.tooLarge) { try Gzip.inflate(Self.hello, limit: 4) }
        #expect(throws: Gzip.Failure.tooLarge) { try Gzip.inflate(Self.hello + Self.hello, limit: 9) }
    }

    @Test func `the buffer never outgrows the limit`() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let bomb = try Data(contentsOf: tests.appending(path: "OTLPReceiverTests/Fixtures/zeros-10MiB.gz"))
        let limit = 10 << 20
        let zeros = try Gzip.inflate([UInt8](bomb), limit: limit)
        #expect(zeros.count == limit)
        // The allocator may round up to a page.
        #expect(zeros.capacity <= limit + 4096)
    }

    @Test(arguments: 0..<25)
    func `a body that is cut off is refused`(count: Int) {
        #expect(throws: Gzip.Failure.self) { try Gzip.inflate(Array(Self.hello.prefix(count)), limit: 100) }
    }

    @Test func `a body that is not gzip is refused`() {
        #expect(throws: Gzip.Failure.corrupt("gzip: invalid header")) {
            try Gzip.inflate(Array("{\"resourceLogs\":[]}".utf8), limit: 100)
        }
        #expect(throws: Gzip.Failure.self) { try Gzip.inflate(Self.hello + [1, 2, 3], limit: 100) }
    }

    @Test func `damage anywhere is noticed or harmless`() {
        for position in Self.hello.indices {
            var damaged = Self.hello
            damaged[position] ^= 0x55
            // Time, flags and the system's number in the header do not affect the content.
            if let content = try? Gzip.inflate(damaged, limit: 100) { #expect(content == Array("hello".utf8)) }
        }
    }
}
