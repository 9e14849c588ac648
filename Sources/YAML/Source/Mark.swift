// SPDX-License-Identifier: Apache-2.0

/// A position in a configuration file.
///
/// Lines and columns are 1-based; a column counts Unicode scalars, as libyaml does.
public struct Mark: Hashable, Sendable {
    /// The name of the `SourceFile`, as it is shown to the user.
    public var file: String
    /// The 1-based line.
    public var line: Int
    /// The 1-based column, in Unicode scalars.
    public var column: Int
    /// The number of Unicode scalars to underline on that line; at least 1.
    public var length: Int

    /// Creates a mark; a length below 1 becomes 1.
    public init(file: String, line: Int, column: Int, length: Int = 1) {
        self.file = file
        self.line = line
        self.column = column
        self.length = max(1, length)
    }
}

extension Mark: CustomStringConvertible {
    /// The position as `file:line:column`.
    public var description: String { "\(file):\(line):\(column)" }
}
