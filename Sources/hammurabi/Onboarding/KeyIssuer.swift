// SPDX-License-Identifier: Apache-2.0

import Collector
import Onboarding

/// Makes keys for the collector of this machine.
struct KeyIssuer {
    /// Makes a key that may write telemetry and returns it; a collector that runs knows it from then on.
    var create: (_ name: String) throws -> String

    /// The issuer for a configuration; nil when its collector asks for no keys, or keeps them where this program cannot add any.
    static func local(_ graph: PipelineGraph?, _ surroundings: Surroundings) -> KeyIssuer? { nil }
}
