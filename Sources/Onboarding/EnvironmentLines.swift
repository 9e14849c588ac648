// SPDX-License-Identifier: Apache-2.0

/// An environment variable that the user must set.
public struct EnvironmentVariable: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its value, with a placeholder for the key.
    public let value: String

    /// The placeholder for the key, which is never shown.
    public static let keyPlaceholder = "YOUR_KEY"

    /// The line for a POSIX shell.
    public var line: String { "export \(name)=\(quoted)" }

    private var quoted: String {
        let isPlain = value.wholeMatch(of: /[A-Za-z0-9_.:\/%=,@+-]+/) != nil
        return isPlain ? value : "'" + value.replacing("'", with: "'\\''") + "'"
    }
}
