// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Tells everything after it how calls are priced.
///
/// The price itself is set where calls are made of observations: a call that another witness completes later is priced again.
struct PricingProcessor: Processor, PriceTableHolding {
    let pricing: Pricing
    let counters: ComponentCounters

    func process(_ batch: inout Batch) throws(ConsumeError) {
        counters.add(batch.otlp.recordCount, to: .accepted)
        batch.pricing = pricing
    }
}
