// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes

/// The body of a request to compact the store.
struct CompactRequest {
    /// How long things are kept, in nanoseconds.
    let retention: Int64

    /// Reads a body; nil when it does not say how long things are kept.
    ///
    /// Strict, because a key that is misspelt would have more removed than was meant.
    init?(_ body: RequestBody) async throws(APIError) {
        let bytes: [UInt8]
        do throws(BodyError) {
            bytes = try await body.collect(limit: 65_536)
        } catch {
            throw error == .tooLarge
                ? APIError(.contentTooLarge, "the body is too long") : .invalid("the body was cut off")
        }
        guard !bytes.isEmpty else { return nil }
        let members: [String: Int?]
        do {
            members = try JSONDecoder().decode([String: Int?].self, from: Data(bytes))
        } catch {
            throw Self.malformed
        }
        guard members.keys.allSatisfy({ $0 == "retentionDays" }) else { throw Self.malformed }
        guard let days = members["retentionDays"] ?? nil else { return nil }
        guard Self.days.contains(days) else { throw Self.malformed }
        retention = Int64(days) * 86_400_000_000_000
    }

    private static let days = 1...36_500
    private static let malformed = APIError.invalid(
        "the body must be empty or {\"retentionDays\": n} with a whole number from \(days.lowerBound) to \(days.upperBound)"
    )
}
