// SPDX-License-Identifier: Apache-2.0

/// The path of a project, written the same way whichever system named it.
///
/// A key is what stores keep of a project: a name as a sender gave it, or an absolute path. Paths always begin with `/` and are divided
/// at `/`, so the two cannot be mistaken for each other:
///
/// | a sender writes | the key is | source |
/// | --- | --- | --- |
/// | `/home/me/api` | `/home/me/api` | |
/// | `C:\src\web`, `c:/src/web`, `\\?\C:\src\web`, `/mnt/c/src/web` | `/C:/src/web` | ccusage/ccusage#1375 |
/// | `\\wsl.localhost\Ubuntu\home\me\api`, `\\wsl$\Ubuntu\home\me\api`, `//wsl.localhost/Ubuntu/home/me/api` | `/home/me/api` | anthropics/claude-code#9221 |
/// | `\\server\share\api` | `//server/share/api` | |
/// | `/w/shop/.claude/worktrees/fix-1` and below | `/w/shop` | anthropics/claude-code#36275 |
/// | `/home/me/.codex/worktrees/1a2b/api` and below | `api`, because the path does not say where the repository is | |
///
/// Pure functions of their arguments: nothing is looked up in a file system.
public enum ProjectPath {
    /// The key for an absolute path; nil for any other text, and for the root of a file system.
    public static func key(of text: String) -> String? {
        guard isAbsolute(text) else { return nil }
        var parts = (text.utf8.first == slash ? text : text.replacing("\\", with: "/")).split(separator: "/")
        parts.removeAll { $0 == "." }
        var lead = "/"
        if text.hasPrefix("\\\\") || text.hasPrefix("//") && isWSL(parts.first) {
            lead = takeServer(&parts)
        } else if parts.count > 1, parts[0] == "mnt", parts[1].utf8.count == 1, isLetter(parts[1].utf8.first) {
            // The disks of Windows as the Windows Subsystem for Linux mounts them.
            parts.removeFirst()
            parts[0] = parts[0].uppercased() + ":"
        }
        if let first = parts.first, first.utf8.count == 2, first.utf8.last == colon, isLetter(first.utf8.first) {
            parts[0] = first.uppercased()[...]
            guard parts.count > 1 else { return nil }
        }
        if let place = worktrees(of: ".codex", in: parts), parts.count > place + 3 { return String(parts[place + 3]) }
        if let place = worktrees(of: ".claude", in: parts) { parts.removeSubrange(place...) }
        return parts.isEmpty ? nil : lead + parts.joined(separator: "/")
    }

    /// Whether a key is a path.
    public static func isPath(_ key: String) -> Bool { key.utf8.first == slash }

    /// The last part of a path; a name as it is.
    public static func name(of key: String) -> String {
        guard isPath(key) else { return key }
        // By bytes: it is asked for each call that is read from a file.
        let bytes = key.utf8
        guard let last = bytes.lastIndex(where: { $0 != slash }) else { return key }
        let start = bytes[..<last].lastIndex(of: slash).map(bytes.index(after:)) ?? bytes.startIndex
        return String(key[start..<bytes.index(after: last)])
    }

    /// Where Linux on the same machine finds the path of a key: disks of Windows below `/mnt`; nil for what has no such place.
    public static func mounted(_ key: String) -> String? {
        guard isPath(key), !key.hasPrefix("//") else { return nil }
        let parts = key.split(separator: "/", maxSplits: 1)
        guard let disk = parts.first, disk.utf8.count == 2, disk.utf8.last == colon else { return key }
        return "/mnt/\(disk.dropLast().lowercased())" + (parts.count > 1 ? "/\(parts[1])" : "")
    }

    /// Whether a text is an absolute path of Unix or Windows.
    private static func isAbsolute(_ text: String) -> Bool {
        let bytes = text.utf8.prefix(3)
        guard let first = bytes.first else { return false }
        if first == slash { return true }
        if first == backslash { return bytes.dropFirst().first == backslash }
        guard isLetter(first), bytes.dropFirst().first == colon, let third = bytes.dropFirst(2).first else {
            return false
        }
        return third == slash || third == backslash
    }

    /// Takes off what a path that begins with two slashes has before the directories; the beginning of its key.
    private static func takeServer(_ parts: inout [Substring]) -> String {
        if parts.first == "?" {
            parts.removeFirst()
            guard parts.first?.lowercased() == "unc" else { return "/" }
            parts.removeFirst()
        }
        guard isWSL(parts.first) else { return "//" }
        // The distribution is the second part.
        parts.removeFirst(min(2, parts.count))
        guard parts.count > 1, parts[0] == "mnt", parts[1].utf8.count == 1, isLetter(parts[1].utf8.first) else {
            return "/"
        }
        parts.removeFirst()
        parts[0] = parts[0].uppercased() + ":"
        return "/"
    }

    /// Whether a server is the Windows Subsystem for Linux, whose distributions are its shares.
    private static func isWSL(_ server: Substring?) -> Bool {
        ["wsl.localhost", "wsl$"].contains(server?.lowercased())
    }

    /// The position of an agent's folder with worktrees; nil when the path does not lie below one.
    private static func worktrees(of agent: Substring, in parts: [Substring]) -> Int? {
        parts.indices.first { $0 + 2 < parts.count && parts[$0] == agent && parts[$0 + 1] == "worktrees" }
    }

    private static func isLetter(_ byte: UInt8?) -> Bool { byte.map { (0x61...0x7A).contains($0 | 0x20) } ?? false }

    private static let slash = UInt8(ascii: "/")
    private static let backslash = UInt8(ascii: "\\")
    private static let colon = UInt8(ascii: ":")
}
