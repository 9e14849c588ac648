// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A collector that was killed because of a full disk, and is started while it still is full.
struct FullDiskStartTests {
    @Test func `a torn end that cannot be set aside is cut, and the store starts`() async throws {
        let full = StorageCalls(
            append: { _, _ in -Int(ENOSPC) },
            flush: StorageCalls.system.flush,
            cut: StorageCalls.system.cut
        )
        let whole = try await Bench()
        try await whole.consume([try smallCorpus()[0]])
        let facts = try await Facts(whole.store)
        await whole.exporter.shutdown()
        let bench = try await Bench(start: false, calls: full)
        try bench.write(whole.bytes() + Array("{\"version\":1,\"ca".utf8))
        try await bench.exporter.start()
        #expect(bench.bytes() == whole.bytes())
        #expect(try await Facts(bench.store) == facts)
        #expect(await bench.refusal(of: try smallCorpus()[1])?.isRetryable == true)
        await bench.exporter.shutdown()
    }
}
