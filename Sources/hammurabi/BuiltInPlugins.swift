// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import AgentSessionsReceiver
import AttributesProcessor
import Collector
import EventsReceiver
import FilterProcessor
import HealthCheckExtension
import HubExtension
import JSONLExporter
import OTLPHTTPExporter
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
        receivers: [
            OTLPFactory(),
            EventsFactory(),
            AgentSessionsFactory(
                environment: Environment.process.variables,
                machine: Environment.process.machineName
            ),
        ],
        processors: [
            TokensFactory(), PricingFactory(), RetentionFactory(), RedactionFactory(), FilterFactory(),
            AttributesFactory(),
        ],
        exporters: [
            SQLiteFactory(), JSONLFactory(), StdoutFactory(), OTLPHTTPFactory(version: Version.number),
        ],
        extensions: [
            HubFactory(version: Version.number, pages: ComponentPages.all), APIKeysFactory(),
            HealthCheckFactory(version: Version.number),
        ]
    )
}
