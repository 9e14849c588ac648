// SPDX-License-Identifier: Apache-2.0

/// The coding agents that are known by name.
///
/// The one table of them: onboarding, the receiver of session files, `doctor` and the tables of the documentation take their agents from it.
public enum CodingAgent: String, CaseIterable, Sendable, Codable {
    case claudeCode = "claude-code"
    case codex
    case openCode = "opencode"
    case gemini
    case copilot
    case cline
    case pi
    case qwen
    case kimi
    case amp
    case cursor

    /// Its name for people.
    public var title: String { entry.titles[0] }

    /// Its name, and those of the programs that are built of it and keep their sessions in the same way.
    public var titles: [String] { entry.titles }

    /// The names under which its calls and sessions are reported; one of them is the name of its own telemetry.
    public var reportedNames: [String] { entry.reportedNames }

    /// The key of its section in the configuration of `agent_sessions`, which is also its name in the answer of a scan.
    public var sectionKey: String { rawValue.replacing("-", with: "_") }

    /// Whether it has a setting for sending its telemetry.
    public var sendsTelemetry: Bool { entry.ways.contains(.telemetry) }

    /// Whether it keeps what can be counted on the machine, and that is read.
    public var isRead: Bool { entry.ways.contains(.store) }

    private struct Entry {
        var titles: [String]
        var reportedNames: [String]
        var ways: Ways
    }

    /// The ways in which its usage becomes known.
    private struct Ways: OptionSet {
        var rawValue: UInt8
        static let telemetry = Ways(rawValue: 1)
        static let store = Ways(rawValue: 2)
    }

    private var entry: Entry {
        switch self {
        case .claudeCode: Entry(titles: ["Claude Code"], reportedNames: ["claude-code"], ways: [.telemetry, .store])
        case .codex: Entry(titles: ["Codex"], reportedNames: ["codex"], ways: [.telemetry, .store])
        case .openCode:
            Entry(
                titles: ["OpenCode", "Kilo CLI", "MiMo Code"],
                reportedNames: ["opencode", "mimo-code"],
                ways: [.telemetry, .store]
            )
        case .gemini: Entry(titles: ["Gemini CLI"], reportedNames: ["gemini-cli"], ways: [.telemetry, .store])
        case .copilot: Entry(titles: ["GitHub Copilot"], reportedNames: ["copilot"], ways: [.telemetry, .store])
        case .cline:
            Entry(
                titles: ["Cline", "Roo Code", "Kilo Code"],
                reportedNames: ["cline", "roo-code", "kilo-code"],
                ways: .store
            )
        case .pi: Entry(titles: ["pi", "omp"], reportedNames: ["pi", "omp"], ways: .store)
        case .qwen: Entry(titles: ["Qwen Code"], reportedNames: ["qwen-code"], ways: [.telemetry, .store])
        case .kimi: Entry(titles: ["Kimi Code", "Kimi CLI"], reportedNames: ["kimi-code"], ways: .store)
        case .amp: Entry(titles: ["Amp"], reportedNames: ["amp"], ways: .store)
        // Its files have no counts since version 3, and it has no settings for telemetry.
        case .cursor: Entry(titles: ["Cursor"], reportedNames: ["cursor"], ways: [])
        }
    }
}
