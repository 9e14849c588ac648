// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the receiver for OTLP over HTTP.
public struct OTLPFactory: ReceiverFactory {
    /// Creates the factory.
    public init() {}

    /// What a user writes.
    public typealias Config = OTLPConfig
    /// The type in a configuration.
    public let type = "otlp"
    /// What it is for.
    public let summary = "takes in OTLP over HTTP, protobuf and JSON, and answers once the pipeline has it"

    /// Makes a receiver; the listener is the collector's.
    public func makeReceiver(_ config: OTLPConfig, _ settings: ComponentSettings, next: SignalConsumers) -> any Receiver
    {
        OTLPReceiver(config.protocols.http, settings, next: next)
    }
}
