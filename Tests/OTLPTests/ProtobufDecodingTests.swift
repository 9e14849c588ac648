// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// Rows 76 to 84 of the conformance list.
@Suite struct ProtobufDecodingTests {
    /// One log record whose body is this hex.
    private func record(_ body: String) throws -> OTLPBatch {
        try OTLPBatch(signal: .logs, protobuf: request { $0.append(hex(body)) })
    }

    @Test(arguments: [
        "c8 3e 05", "c9 3e 01 02 03 04 05 06 07 08", "ca 3e 02 68 69", "cd 3e 01 02 03 04", "cb 3e cc 3e",
        "cb 3e 08 01 12 01 61 cb 3e cc 3e cc 3e", "18 05 00",
    ])
    func `76: unknown fields of every wire type are skipped`(_ unknown: String) throws {
        guard unknown != "18 05 00" else {
            #expect(throws: OTLPError.self) { try record(unknown) }
            return
        }
        let batch = try record(unknown + "09 01 00 00 00 00 00 00 00" + unknown)
        #expect(batch.records[0].time == 1)
        #expect(text(batch.json()).contains(#"{"timeUnixNano":"1"}"#))
    }

    @Test func `77: packed and unpacked numbers are read, chunks are joined`() throws {
        func buckets(_ counts: (inout ProtobufWriter) -> Void) throws -> String {
            let point = request { metric in
                metric.message(9) { $0.message(1, counts) }
            }
            return text(try OTLPBatch(signal: .metrics, protobuf: point).json())
        }
        let one: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
        let packed = try buckets { $0.bytes(6, one + one) }
        let unpacked = try buckets {
            $0.fixed64(6, 1); $0.fixed64(6, 1)
        }
        let chunks = try buckets {
            $0.bytes(6, one); $0.bytes(6, one)
        }
        let apart = try buckets {
            $0.bytes(6, one); $0.fixed64(4, 2); $0.fixed64(6, 1)
        }
        #expect(packed.contains(#""bucketCounts":["1","1"]"#))
        #expect(packed == unpacked)
        #expect(packed == chunks)
        #expect(apart.contains(#""bucketCounts":["1","1"]"#))
    }

    @Test func `78: the last single value counts and messages merge`() throws {
        let batch = try record("09 01 00 00 00 00 00 00 00 62 01 61 09 02 00 00 00 00 00 00 00 62 01 62")
        #expect(batch.records[0].time == 2)
        #expect(batch.string(batch.records[0].name) == "b")
        #expect(text(batch.json()).contains(#"{"timeUnixNano":"2","eventName":"b"}"#))
    }

    @Test func `78: a resource in two parts is one resource`() throws {
        var writer = ProtobufWriter()
        writer.message(1) { writer in
            writer.message(1) { $0.attribute(1, "service.name", "a") }
            writer.message(2) { $0.message(2) { $0.attribute(6, "x", 1) } }
            writer.message(1) { $0.attribute(1, "host.name", "h") }
        }
        var batch = try OTLPBatch(signal: .logs, protobuf: writer.finish())
        #expect(Array(batch.attributes(of: .resource(0))).map(\.keyID) == [.serviceName, .hostName])
        #expect(batch.attribute("x", of: .record(0)) == .int(1))
        let json = text(batch.json())
        #expect(json.contains(#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name""#))
        #expect(json.components("\"resource\":") == 2)
        batch.overlay.remove(attribute: batch.resources[0].attributes.lowerBound)
        let again = try batch.reread()
        #expect(Array(again.attributes(of: .resource(0))).map(\.keyID) == [.hostName])
    }

    @Test func `78: of two kinds of metric data the last counts`() throws {
        let bytes = request { metric in
            metric.string(1, "m")
            metric.message(7) {
                $0.message(1) { $0.fixed64(6, 1) }; $0.uint(2, 2); $0.bool(3, true)
            }
            metric.message(5) { $0.message(1) { $0.fixed64(6, 2) } }
            metric.message(5) { $0.message(1) { $0.fixed64(6, 3) } }
        }
        var batch = try OTLPBatch(signal: .metrics, protobuf: bytes)
        #expect(batch.metrics.map(\.kind) == [.gauge])
        #expect(batch.records.map(\.body) == [.int(2), .int(3)])
        #expect(!batch.metrics[0].isMonotonic)
        #expect(text(batch.json()).contains(#""gauge":{"dataPoints":[{"asInt":"2"},{"asInt":"3"}]}"#))
        batch.overlay.drop(record: 0)
        #expect(try batch.reread().records.map(\.body) == [.int(3)])
    }

    @Test(arguments: [
        "08 01", "4d 01 02 03 04", "15 01 00 00 00", "32 02 08 01", "28 05", "10 ff ff ff ff ff ff ff ff ff ff 01",
        "5a 01 61", "42 00",
    ])
    func `79: a known field of the wrong wire type is refused`(_ body: String) {
        #expect(throws: OTLPError.self) { try record(body) }
    }

    @Test(arguments: [
        "80", "09 01 02", "2a 05 0a", "2a ff ff ff ff ff ff ff ff ff 01", "02 00", "00", "0c", "0e 01", "0f",
        "62 ff ff ff ff 0f",
        "cb 3e 08 01", "cb 3e d4 3e", "32 03 0a 05 61", "10 80 80 80 80 80 80 80 80 80 80 01",
        "f8 ff ff ff ff ff ff ff ff 01 00",
    ])
    func `80: broken bytes are refused`(_ body: String) {
        #expect(throws: OTLPError.self) { try record(body) }
    }

    @Test func `80: a length may not reach beyond its own message`() {
        // The inner length would still be inside the request.
        let bytes = hex("0a 0a 12 06 12 04 2a 09 0a 00 12 00")
        #expect(throws: OTLPError.self) { try OTLPBatch(signal: .logs, protobuf: bytes) }
    }

    @Test func `81: invalid UTF-8 is replaced where it is shown`() throws {
        let batch = try record("2a 05 0a 03 61 ff 62")
        #expect(batch.text(of: batch.records[0].body) == "a\u{fffd}b")
        #expect(text(batch.json()).contains("a\u{fffd}b"))
        #expect(batch.encoded() == batch.bytes)
    }

    @Test func `82: messages nest up to the depth cap`() throws {
        func nested(_ levels: Int) -> [UInt8] {
            request { record in
                var body: [UInt8] = []
                for _ in 0..<levels {
                    var writer = ProtobufWriter()
                    writer.message(5) { $0.message(1) { $0.append(body) } }
                    body = writer.finish()
                }
                record.bytes(5, body)
            }
        }
        #expect(throws: Never.self) { try OTLPBatch(signal: .logs, protobuf: nested(47)) }
        #expect(throws: OTLPError.self) { try OTLPBatch(signal: .logs, protobuf: nested(48)) }
        #expect(throws: OTLPError.self) { try OTLPBatch(signal: .logs, protobuf: nested(3000)) }
        let groups = [UInt8](repeating: 0x0b, count: 100_000)
        #expect(throws: OTLPError.self) { try OTLPBatch(signal: .logs, protobuf: groups) }
    }

    @Test(arguments: [(1, 16), (2, 8), (4, 8)])
    func `83: span ids are exact or empty`(_ field: UInt32, _ size: Int) throws {
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 200] {
            let bytes = request { $0.bytes(field, Array(repeating: 1, count: length), always: true) }
            let batch = try OTLPBatch(signal: .traces, protobuf: bytes)
            #expect(batch.recordCount == (length == 0 || length == size ? 1 : 0))
            #expect(batch.rejected == 1 - batch.recordCount)
        }
    }

    @Test func `84: the old instrumentation library form is read as scopes`() throws {
        var writer = ProtobufWriter()
        writer.message(1) {
            $0.message(1000) {
                $0.message(1) { $0.string(1, "old") }; $0.message(2) { $0.string(5, "s") }
            }
        }
        let batch = try OTLPBatch(signal: .traces, protobuf: writer.finish())
        #expect(batch.names == ["s"])
        #expect(batch.string(batch.scopes[0].name) == "old")
        #expect(
            text(batch.json())
                == #"{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"old"},"spans":[{"name":"s"}]}]}]}"#
        )
        #expect(batch.encoded() == batch.bytes)
    }
}

extension String {
    /// The number of pieces between separators.
    fileprivate func components(_ separator: String) -> Int {
        split(separator: separator, omittingEmptySubsequences: false).count
    }
}
