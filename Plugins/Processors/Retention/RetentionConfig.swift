// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `retention:`.
public struct RetentionConfig: ComponentConfig {
    /// Records that are older on arrival are dropped.
    public var maxAge = ConfigDuration(seconds: 90 * 86_400)

    /// Ninety days.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case maxAge = "max_age"
    }

    /// What each key means.
    public static let documentation = [
        "max_age": "drops what is older than this when it comes in, with its calls; records without a time are kept"
    ]

    /// Reports an age at which nothing would be kept.
    public func validate(_ findings: inout ConfigFindings) {
        if maxAge.nanoseconds <= 0 {
            findings.error(
                "out-of-range",
                "with an age of 0s nothing would be kept",
                at: ["max_age"],
                help: "write 90d"
            )
        }
    }
}
