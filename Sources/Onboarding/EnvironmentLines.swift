// SPDX-License-Identifier: Apache-2.0

/// An environment variable that a person is to set.
public struct EnvironmentVariable: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its value, with a placeholder where the key stands.
    public let value: String

    /// What stands for the key, which is never shown.
    public static let keyPlaceholder = "YOUR_KEY"

    /// The line for a POSIX shell.
    public var line: String { "export \(name)=\(quoted)" }

    private var quoted: String {
        let isPlain = value.wholeMatch(of: /[A-Za-z0-9_.:\/%=,@+-]+/) != nil
        return isPlain ? value : "'" + value.replacing("'", with: "'\\''") + "'"
    }
}
