// SPDX-License-Identifier: Apache-2.0

import OTLP

extension ObservationReader {
    /// Whether the only cost of a record is one that a collector before this one has computed and written onto it
    /// (`usage_attributes` of `otlp_http`): that is no report of the sender's.
    ///
    /// Such a collector writes `gen_ai.usage.cost` only where the sender has not, and the same value under its own name.
    func tellsCollectorCost(_ record: Int) -> Bool {
        guard let cost = attributes[.genAIUsageCost].flatMap({ batch.double(of: $0.value) }),
            ExtractionTable.cost.keys.allSatisfy({ $0 == .genAIUsageCost || attributes[$0] == nil }),
            case .double(let computed)? = batch.attribute("hammurabi.cost.usd", of: .record(record))
        else { return false }
        return computed == cost
    }
}
