// SPDX-License-Identifier: Apache-2.0

import OTLP

/// What a request holds.
struct ExportRequest {
    /// The records of the signal that is taken where the request was sent.
    let otlp: OTLPBatch
    /// Records of another signal, which are not taken there.
    let misplaced: MisplacedRecords?
}

/// Records that were sent to the path of another signal.
///
/// Codex 0.98 posts `resourceSpans` to the path of logs. By the rules of JSON that is an empty request with an unknown field, so it is
/// answered as one; but its user ought to learn where the records went.
struct MisplacedRecords: Equatable {
    let signal: Signal
    let count: Int

    /// Looks for records of another signal in a JSON request that has none of its own; nil when there are none.
    init?(json: [UInt8], sentAs sent: Signal, _ limits: ReadingLimits = ReadingLimits()) {
        // `{}` and the like are what most empty requests are.
        guard json.count > 20 else { return nil }
        for signal in Signal.allCases where signal != sent {
            guard let batch = try? OTLPBatch(signal: signal, json: json, limits: limits), !batch.records.isEmpty else {
                continue
            }
            self.signal = signal
            count = batch.records.count
            return
        }
        return nil
    }
}
