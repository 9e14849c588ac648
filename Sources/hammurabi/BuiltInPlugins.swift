// SPDX-License-Identifier: Apache-2.0

import AttributesProcessor
import Collector
import FilterProcessor
import HubExtension
import OTLPReceiver
import PricingProcessor
import RedactionProcessor
import RetentionProcessor
import SQLiteExporter
import StdoutExporter
import TokensProcessor

/// The components that are built into this program: the only list of them.
enum BuiltInPlugins {
    static let registry = Registry(
        receivers: [OTLPFactory()],
        processors: [
            TokensFactory(), PricingFactory(), RetentionFactory(), RedactionFactory(), FilterFactory(),
            AttributesFactory(),
        ],
        exporters: [SQLiteFactory(), StdoutFactory()],
        extensions: [HubFactory(version: Version.number)]
    )
}
