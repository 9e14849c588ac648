// SPDX-License-Identifier: Apache-2.0

/// The names under which answers show projects.
///
/// - The label of a path is its shortest tail that no other known path has: `api` as long as there is one, else `work/api` and `oss/api`
///   (ccusage/ccusage#1601). A path that is a tail of another one is shown whole.
/// - A name that is the tail of exactly one known path means that path and has its label: what a sender calls `api` and a repository
///   `/home/me/work/api` are one project. A name that no path or several paths end in is a project of its own.
///
/// A value, computed from the keys that a store knows (``ProjectPath``), in time proportional to their number; safe to use from many
/// tasks at once.
public struct ProjectLabels: Sendable {
    private var labels: [String: String] = [:]
    private var keysByLabel: [String: Set<String>] = [:]
    /// Paths by their last part.
    private var paths: [Substring: [Path]] = [:]

    private struct Path {
        var key: String
        var parts: [Substring]

        /// Whether it ends in these parts.
        func ends(in tail: [Substring]) -> Bool { parts.count >= tail.count && parts.suffix(tail.count) == tail[...] }
    }

    /// Labels the keys of projects; each may occur more than once.
    public init(_ keys: some Sequence<String>) {
        let keys = Set(keys)
        for key in keys where ProjectPath.isPath(key) {
            let path = Path(key: key, parts: key.split(separator: "/"))
            if let last = path.parts.last { paths[last, default: []].append(path) }
        }
        for group in paths.values { label(group, depth: 1) }
        for key in keys where labels[key] == nil {
            let found = paths(endingIn: key)
            labels[key] = (found.count == 1 ? found.first.flatMap { labels[$0.key] } : nil) ?? key
        }
        for (key, label) in labels { keysByLabel[label, default: []].insert(key) }
    }

    /// The label of a key; the key itself when it is not known.
    public func label(_ key: String) -> String { labels[key] ?? key }

    /// The keys that a person means by a label, by a path in any spelling, or by a tail that several labels share.
    ///
    /// A text that fits nothing known is returned as it is.
    public func keys(meantBy text: String) -> Set<String> {
        if let keys = keysByLabel[text] { return keys }
        if let key = ProjectPath.key(of: text), let keys = keysByLabel[label(key)] { return keys }
        let found = paths(endingIn: text)
        return found.isEmpty ? [text] : Set(found.map(\.key))
    }

    private func paths(endingIn text: String) -> [Path] {
        let tail = text.split(separator: "/")
        guard let last = tail.last else { return [] }
        return (paths[last] ?? []).filter { $0.ends(in: tail) }
    }

    /// Labels paths that share the last parts, one fewer than `depth`.
    private mutating func label(_ group: [Path], depth: Int) {
        if group.count == 1, let path = group.first {
            labels[path.key] = path.parts.suffix(depth).joined(separator: "/")
            return
        }
        var deeper: [Substring: [Path]] = [:]
        for path in group {
            guard path.parts.count >= depth else {
                labels[path.key] = path.key
                continue
            }
            deeper[path.parts[path.parts.count - depth], default: []].append(path)
        }
        for group in deeper.values { label(group, depth: group.count == 1 ? depth : depth + 1) }
    }
}
