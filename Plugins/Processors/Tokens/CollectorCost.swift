// SPDX-License-Identifier: Apache-2.0

import OTLP

extension ObservationReader {
    /// The cost that a previous collector computed and wrote onto a record (`usage_attributes` of `otlp_http`).
    ///
    /// Such a collector writes it under its own name, and as `gen_ai.usage.cost` where the sender has not: an equal value there is not
    /// a cost that the sender reported.
    func collectorCost(of record: Int) -> Double? {
        guard attributes[.genAIUsageCost] != nil,
            case .double(let cost)? = batch.attribute("hammurabi.cost.usd", of: .record(record))
        else { return nil }
        return cost
    }
}
