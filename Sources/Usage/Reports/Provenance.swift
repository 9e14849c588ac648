// SPDX-License-Identifier: Apache-2.0

/// From what a session is known; grows with what comes in, whatever the order.
public struct Provenance: OptionSet, Sendable, Hashable {
    /// The bits, as stores keep them.
    public let rawValue: UInt8

    /// Creates a set from its bits; unknown ones are left out.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue & 3
    }

    /// From telemetry or events that the agent sent by itself.
    public static let measured = Provenance(rawValue: 1)
    /// From the session files that the agent left on its machine.
    public static let transcript = Provenance(rawValue: 2)

    /// From what a kind of material makes known.
    public init(_ source: Observation.Source) {
        switch source {
        case .otlpLog, .otlpSpan, .event, .agentSpan: self = .measured
        case .transcript, .rollout, .agentStore: self = .transcript
        }
    }

    /// The word in answers of the API.
    public var name: String {
        self == .transcript ? "transcript" : contains(.transcript) ? "both" : "measured"
    }
}
