// SPDX-License-Identifier: Apache-2.0

import Usage

extension ModelPrice {
    /// The price in the form of the price table.
    func makeOverride() throws(PriceTableError) -> PriceOverride {
        try PriceOverride(
            model: model,
            input: input,
            output: output,
            cacheRead: cacheRead,
            cacheWrite: cacheWrite,
            cacheWrite1h: cacheWrite1h,
            multiplier: multiplier
        )
    }
}
