// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import OTLP
import Synchronization
import Testing

/// Decompressing bodies up to a limit.
struct ContentCodingTests {
    private static let hello = Array("hello".utf8)
    /// `zlib.compress(b"hello")` of Python, which its OTLP exporter sends as `deflate`.
    private static let zlibHello: [UInt8] = [0x78, 0x9C, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 7, 0, 6, 0x2C, 2, 0x15]

    /// A frame with one stored block that asks for a window of a size, as a power of two.
    private static func frame(window: UInt8) -> [UInt8] {
        [0x28, 0xB5, 0x2F, 0xFD, 0, (window - 10) << 3, 0x29, 0, 0] + hello
    }

    private static func compressed(_ coding: ContentCoding) throws -> [UInt8] {
        switch coding {
        case .identity: hello
        case .gzip: try Gzip.deflate(hello, level: 1)
        case .deflate: zlibHello
        case .zstd: try Zstandard.deflate(hello, level: 1)
        }
    }

    @Test(
        arguments: [
            (nil, ContentCoding.identity), ("", .identity), ("Identity", .identity), ("gzip", .gzip),
            (" X-GZIP\t", .gzip),
            ("deflate", .deflate), ("zlib", .deflate), ("zstd", .zstd), ("br", nil), ("gzip, gzip", nil),
            ("snappy", nil),
        ] as [(String?, ContentCoding?)]
    )
    func `a field names a coding`(field: String?, coding: ContentCoding?) {
        #expect(ContentCoding(contentEncoding: field) == coding)
    }

    @Test(arguments: ContentCoding.allCases)
    func `each coding is undone, and its limit is exact`(coding: ContentCoding) throws {
        let body = try Self.compressed(coding)
        #expect(try coding.inflate(body, limit: 5, memory: nil) == Self.hello)
        #expect(throws: InflationFailure.tooLarge) { try coding.inflate(body, limit: 4, memory: nil) }
    }

    @Test(arguments: [ContentCoding.gzip, .deflate, .zstd])
    func `a body that is cut off, damaged or of another format is refused`(coding: ContentCoding) throws {
        let body = try Self.compressed(coding)
        for count in body.indices {
            #expect(throws: InflationFailure.self, "\(count)") {
                try coding.inflate(Array(body.prefix(count)), limit: 100, memory: nil)
            }
        }
        for other in [Array("{\"resourceLogs\":[]}".utf8), body + [1, 2, 3]] {
            #expect(throws: InflationFailure.self) { try coding.inflate(other, limit: 100, memory: nil) }
        }
        for position in body.indices {
            var damaged = body
            damaged[position] ^= 0x55
            // zstd without a checksum cannot detect a changed byte.
            _ = try? coding.inflate(damaged, limit: 100, memory: nil)
        }
    }

    @Test func `a frame may not ask for a window beyond that of its coding`() throws {
        #expect(try Zstandard.inflate(Self.frame(window: 23), limit: 100) == Self.hello)
        #expect(throws: InflationFailure.self) { try Zstandard.inflate(Self.frame(window: 24), limit: 100) }
    }

    @Test func `several frames are one body`() throws {
        let frame = try Zstandard.deflate(Self.hello, level: 3)
        #expect(try Zstandard.inflate(frame + frame, limit: 10) == Self.hello + Self.hello)
        #expect(throws: InflationFailure.tooLarge) { try Zstandard.inflate(frame + frame, limit: 9) }
    }

    @Test(arguments: [ContentCoding.gzip, .zstd])
    func `memory is taken for what comes out, and given back when it is not wanted`(coding: ContentCoding) throws {
        let plain = [UInt8](repeating: 7, count: 1 << 20)
        let body = coding == .gzip ? try Gzip.deflate(plain, level: 1) : try Zstandard.deflate(plain, level: 1)
        let memory = Allowance(bytes: 8 << 20)
        #expect(try coding.inflate(body, limit: 2 << 20, memory: memory)?.count == plain.count)
        // The window of zstd is released at once.
        #expect((1 << 20...2 << 20).contains(memory.taken))
        let refusing = Allowance(bytes: 8 << 20)
        #expect(throws: InflationFailure.tooLarge) { try coding.inflate(body, limit: 1 << 19, memory: refusing) }
        #expect(refusing.taken == 0)
        let small = Allowance(bytes: 1 << 19)
        #expect(try coding.inflate(body, limit: 2 << 20, memory: small) == nil)
        #expect(small.taken == 0)
    }

    /// An allowance of a fixed number of bytes.
    private final class Allowance: MemoryAllowance {
        private let bytes: Int
        private let held = Mutex(0)

        init(bytes: Int) { self.bytes = bytes }

        var taken: Int { held.withLock { $0 } }

        var isBeyondLimit: Bool { false }

        func take(_ count: Int) -> Bool {
            held.withLock { held in
                guard held + count <= bytes else { return false }
                held += count
                return true
            }
        }

        func give(_ count: Int) { held.withLock { $0 -= count } }
    }
}
