// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import OTLP

/// Makes the receiver that reads the session files of agents on this machine.
public struct AgentSessionsFactory: ReceiverFactory {
    private let environment: [String: String]
    private let machine: String?

    /// Creates the factory.
    ///
    /// - Parameters:
    ///   - environment: Says where agents keep their files (`HOME`, `XDG_CONFIG_HOME`, `CLAUDE_CONFIG_DIR`, `CODEX_HOME`).
    ///   - machine: The name of this machine, which calls carry; nil to leave it out.
    public init(environment: [String: String] = [:], machine: String? = nil) {
        self.environment = environment
        self.machine = machine
    }

    /// What a user writes.
    public typealias Config = AgentSessionsConfig
    /// The type in a configuration.
    public let type = "agent_sessions"
    /// What it is for.
    public let summary = "reads the session files of Claude Code and Codex on this machine"
    /// What it reads becomes log records.
    public let signals: [Signal] = [.logs]

    /// Makes a receiver; nothing is opened before its start.
    public func makeReceiver(_ config: AgentSessionsConfig, _ settings: ComponentSettings, next: SignalConsumers)
        -> any Receiver
    {
        AgentSessionsReceiver(config, settings, environment: environment, machine: machine, next: next[.logs])
    }
}
