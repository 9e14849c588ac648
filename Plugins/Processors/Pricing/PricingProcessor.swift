// SPDX-License-Identifier: Apache-2.0

import CEmbedded
public import CollectorKit
import Files
import OTLP
import Usage

/// Attaches the price table to batches, for the stores after it.
///
/// The cost is computed when a store joins observations into calls: a call that a later observation completes is priced again.
struct PricingProcessor: Processor, PriceTableHolding {
    let pricing: Pricing

    func process(_ batch: inout Batch) throws(ConsumeError) { batch.pricing = pricing }
}

extension ComponentFactory {
    /// Sets the prices of calls; price files are read when the processor is created.
    public static let pricing = ComponentFactory.processor(
        "pricing",
        PricingConfig.self,
        summary: "prices model calls by a dated table with tiers, cache lifetimes and your own overrides"
    ) { config, settings throws(StartError) in
        let table = try PriceTable.configured(config, settings.id)
        let pricing = Pricing(table: table, preference: config.prefer)
        // Now, not at the start: exporters start before processors, and hand over what waited in their queues.
        settings.shared.provide(pricing)
        return PricingProcessor(pricing: pricing)
    }
}

extension PriceTable {
    /// The built-in table with the user's file and overrides applied.
    fileprivate static func configured(_ config: PricingConfig, _ id: ComponentID) throws(StartError) -> PriceTable {
        var table = try builtIn()
        if let path = config.table, !path.isEmpty {
            do {
                // The table is the user's file: it may be a link, but not a pipe or a device, which could block or never end.
                let content = try OwnFile.content(path.path, largest: 256 << 20, followsLinks: true)
                guard let bytes = content else { throw StoreError("it is missing") }
                table = table.updated(by: try PriceTable(contentsOf: bytes))
            } catch let error as PriceTableError {
                throw StartError(.configuration, "\(id): the price table \(path.path) cannot be read: \(error)")
            } catch let error as FileError where error.kind != nil {
                throw StartError(
                    .inputOutput,
                    "\(id): the price table \(path.path) cannot be read: it is \(error.kind?.rawValue ?? "no file")"
                )
            } catch {
                throw StartError(
                    .inputOutput,
                    "\(id): the price table \(path.path) cannot be opened; check that the file exists and may be read"
                )
            }
        }
        return table.overridden(by: config.overrides.compactMap { try? $0.makeOverride() })
    }

    /// The table that is compiled in.
    fileprivate static func builtIn() throws(StartError) -> PriceTable {
        do {
            return try PriceTable(
                compiledIn: UnsafeRawBufferPointer(start: hammurabi_prices(), count: hammurabi_prices_length())
            )
        } catch {
            throw StartError(.configuration, "the built-in price table is damaged: \(error)")
        }
    }
}
