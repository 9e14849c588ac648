// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import OTLP

/// Makes the receiver of events and heartbeats.
public struct EventsFactory: ReceiverFactory {
    /// Creates the factory.
    public init() {}

    /// What a user writes.
    public typealias Config = EventsConfig
    /// The type in a configuration.
    public let type = "events"
    /// What it is for.
    public let summary = "takes in events and heartbeats of agents as plain JSON"
    /// Events become log records.
    public let signals: [Signal] = [.logs]

    /// Makes a receiver; the listener is the collector's.
    public func makeReceiver(_ config: EventsConfig, _ settings: ComponentSettings, next: SignalConsumers)
        -> any Receiver
    {
        EventsReceiver(config, settings, next: next[.logs])
    }
}
