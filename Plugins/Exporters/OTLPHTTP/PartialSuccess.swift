// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import FoundationEssentials
import NIOHTTP1
import OTLP

/// A destination's report of records that it rejected while it accepted the others.
struct PartialSuccess {
    var rejected: Int
    var message: String

    /// Decodes the body of a success; nil when it reports nothing.
    init?(_ body: [UInt8], _ response: HTTPClientResponse) {
        guard !body.isEmpty else { return nil }
        if response.isJSON {
            guard let report = (try? JSONDecoder().decode(Document.self, from: Data(body)))?.partialSuccess else {
                return nil
            }
            rejected =
                [report.rejectedSpans, report.rejectedLogRecords, report.rejectedDataPoints].compactMap(\.self).first?
                .value
                ?? 0
            message = report.errorMessage ?? ""
        } else {
            guard let report = ExportResponse.partialSuccess(protobuf: body) else { return nil }
            (rejected, message) = report
        }
        if rejected == 0, message.isEmpty { return nil }
    }

    /// The message in the body of a failure, in any known form.
    static func failureMessage(_ body: [UInt8], _ response: HTTPClientResponse) -> String {
        if response.isJSON {
            let status = try? JSONDecoder().decode(Status.self, from: Data(body))
            if let message = status?.message ?? status?.error { return message }
        } else if response.isProtobuf {
            return RPCStatus.message(protobuf: body) ?? ""
        }
        return String(decoding: body.prefix(500), as: UTF8.self)
    }

    private struct Document: Decodable {
        var partialSuccess: Report?
    }

    private struct Report: Decodable {
        var rejectedSpans: Count?
        var rejectedLogRecords: Count?
        var rejectedDataPoints: Count?
        var errorMessage: String?
    }

    private struct Status: Decodable {
        var message: String?
        var error: String?
    }

    /// A 64-bit number, which OTLP/JSON writes as a string.
    private struct Count: Decodable {
        var value: Int

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            value = try (try? container.decode(Int.self)) ?? Int(container.decode(String.self)) ?? 0
        }
    }
}

extension HTTPClientResponse {
    fileprivate var isJSON: Bool { hasType("application/json") }
    fileprivate var isProtobuf: Bool { hasType("application/x-protobuf") }

    private func hasType(_ type: String) -> Bool {
        headers.first(name: "Content-Type")?.lowercased().hasPrefix(type) ?? false
    }
}
