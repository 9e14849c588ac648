// SPDX-License-Identifier: Apache-2.0

/// How many files of an agent's store there are; found by a look through its folders, without opening a file.
public struct StoreFiles: Sendable, Equatable {
    /// The agent, by the key of its section in the configuration.
    public let agent: String
    /// Its name, for people.
    public let title: String
    /// At least one.
    public let count: Int

    /// Looks for the stores of all agents that a configuration has not switched off.
    ///
    /// - Parameter environment: Says where agents keep their files.
    public static func found(_ config: AgentSessionsConfig, environment: [String: String]) -> [StoreFiles] {
        var walk = FolderWalk()
        var counts: [Agent: Int] = [:]
        for root in SessionFolders(config, environment: environment).roots(&walk) {
            counts[root.agent, default: 0] += walk.files(below: root).count
        }
        return Agent.allCases.compactMap { agent in
            guard let count = counts[agent], count > 0 else { return nil }
            return StoreFiles(agent: agent.key, title: agent.title, count: count)
        }
    }
}
