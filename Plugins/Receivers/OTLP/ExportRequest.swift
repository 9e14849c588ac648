// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The contents of a request.
struct ExportRequest {
    /// The records of the signal that the path accepts.
    let otlp: OTLPBatch
    /// Records of another signal, which the path does not accept.
    let misplaced: MisplacedRecords?
}

/// Records that were sent to the path of another signal.
///
/// Codex 0.98 posts `resourceSpans` to the path of logs. By the rules of JSON that is an empty request with an unknown field, and it is
/// answered as one; the problem is reported so that the user learns where the records went.
struct MisplacedRecords: Equatable {
    let signal: Signal
    let count: Int

    /// Searches a JSON request without records of its own signal for records of another; nil when there are none.
    init?(json: [UInt8], sentAs sent: Signal, _ limits: ReadingLimits = ReadingLimits()) {
        // Most empty requests are `{}` and the like.
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
