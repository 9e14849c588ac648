// SPDX-License-Identifier: Apache-2.0

/// Reads one input as an export request; its first byte chooses the signal, the rest is the body.
///
/// The environment names the encoding of the input, so that one program serves both.
struct OTLPFuzzer {
    let signal: Signal
    let body: [UInt8]

    init?(_ input: [UInt8]) {
        guard let first = input.first else { return nil }
        signal = Signal.allCases[Int(first) % Signal.allCases.count]
        body = Array(input.dropFirst())
    }

    func protobuf() {
        guard let batch = try? OTLPBatch(signal: signal, protobuf: body) else { return }
        require(batch.bytes == body, "protobuf stays as received")
        check(batch)
    }

    func json() {
        guard let batch = try? OTLPBatch(signal: signal, json: body) else { return }
        check(batch)
    }

    private func check(_ batch: OTLPBatch) {
        let json = batch.json()
        guard let again = try? OTLPBatch(signal: signal, json: json) else { fail("our own JSON is refused") }
        require(again.recordCount == batch.recordCount, "JSON keeps the number of records")
        require(again.json() == json, "JSON -> protobuf -> JSON is the identity")
        // A protobuf input may have unknown fields in any order; once encoded by us it is stable.
        let third = try? OTLPBatch(signal: signal, json: again.json())
        require(third?.bytes == again.bytes, "protobuf -> JSON -> protobuf is the identity")
        read(batch)
        change(batch)
    }

    private func read(_ batch: OTLPBatch) {
        for index in batch.records.indices {
            for entry in batch.attributes(of: .record(index)) {
                _ = batch.text(of: entry.value)
                _ = batch.number(of: entry.value)
                _ = batch.double(of: entry.value)
            }
            _ = batch.distribution(record: index)
            _ = batch.inheritedAttribute(.serviceName, record: index)
        }
    }

    private func change(_ batch: OTLPBatch) {
        var batch = batch
        for index in batch.records.indices {
            switch index % 3 {
            case 0: batch.overlay.drop(record: index)
            case 1: batch.set("model", to: "x", record: index)
            default: break
            }
        }
        for index in batch.resources.indices { batch.overlay.appendResource("a", "b", resource: index) }
        let encoded = batch.encoded()
        guard let again = try? OTLPBatch(signal: signal, protobuf: encoded) else {
            fail("a changed batch is refused")
        }
        require(again.recordCount == batch.recordCount, "a changed batch keeps the number of its records")
        require(again.json() == batch.json(), "a changed batch says the same in both encodings")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let fuzzer = OTLPFuzzer(Array(UnsafeBufferPointer(start: start, count: count))) else { return 0 }
    if FuzzTarget.isNamed("json") { fuzzer.json() } else { fuzzer.protobuf() }
    return 0
}
