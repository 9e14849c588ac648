// SPDX-License-Identifier: Apache-2.0

/// The lines that differ between two texts, as `diff -u` shows them, with secrets masked.
public struct Diff: Sendable {
    /// A line of the comparison.
    public struct Line: Sendable, Hashable {
        /// Whether the line is in the old text, the new one, or both.
        public enum Kind: String, Sendable {
            case same = " "
            case removed = "-"
            case added = "+"
            case place = "@"
        }

        /// Which texts have the line.
        public let kind: Kind
        /// The line without its line end.
        public let text: String
    }

    /// The changed lines with three lines of context.
    public let lines: [Line]

    private static let context = 3
    private static let longest = 240
    private static let margin = 40

    /// Compares the old and the new content of a file.
    public init(_ change: FileChange) {
        let secrets = SecretMask()
        let old = Self.split(change.file.content ?? [])
        let new = Self.split(change.content)
        let steps = Self.steps(old, new)
        let shown = Self.hunks(steps).map { line in
            line.kind == .place ? line : Line(kind: line.kind, text: secrets.masked(line.text))
        }
        lines = Self.shortened(shown)
    }

    /// The comparison as text.
    public var text: String {
        lines.map { ($0.kind == .place ? "" : $0.kind.rawValue) + $0.text + "\n" }.joined()
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        let bytes = bytes.dropFirst(TextShape(bytes).mark.count)
        var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map {
            String(decoding: $0.last == 13 ? $0.dropLast() : $0, as: UTF8.self)
        }
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func steps(_ old: [String], _ new: [String]) -> [Line] {
        let start = zip(old, new).prefix { $0 == $1 }.count
        let end = zip(old[start...].reversed(), new[start...].reversed()).prefix { $0 == $1 }.count
        let (before, after) = (Array(old[start..<(old.count - end)]), Array(new[start..<(new.count - end)]))
        let difference = after.difference(from: before)
        var gone: Set<Int> = []
        var come: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): gone.insert(offset)
            case .insert(let offset, _, _): come.insert(offset)
            }
        }
        var middle: [Line] = []
        var (left, right) = (0, 0)
        while left < before.count || right < after.count {
            if left < before.count, gone.contains(left) {
                middle.append(Line(kind: .removed, text: before[left]))
                left += 1
            } else if right < after.count, come.contains(right) {
                middle.append(Line(kind: .added, text: after[right]))
                right += 1
            } else {
                middle.append(Line(kind: .same, text: before[left]))
                left += 1
                right += 1
            }
        }
        let head = old[..<start].map { Line(kind: .same, text: $0) }
        let tail = old[(old.count - end)...].map { Line(kind: .same, text: $0) }
        return head + middle + tail
    }

    /// The changed lines with their context, each group under a line with its position.
    private static func hunks(_ steps: [Line]) -> [Line] {
        let changed = steps.indices.filter { steps[$0].kind != .same }
        var ranges: [Range<Int>] = []
        for index in changed {
            let range = max(0, index - context)..<min(steps.count, index + context + 1)
            if let last = ranges.last, last.upperBound >= range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            } else {
                ranges.append(range)
            }
        }
        var result: [Line] = []
        var (position, old, new) = (0, 1, 1)
        for range in ranges {
            old += range.lowerBound - position - steps[position..<range.lowerBound].count { $0.kind == .added }
            new += range.lowerBound - position - steps[position..<range.lowerBound].count { $0.kind == .removed }
            let group = steps[range]
            let (olds, news) = (group.count { $0.kind != .added }, group.count { $0.kind != .removed })
            let places = "-\(olds == 0 ? old - 1 : old),\(olds) +\(news == 0 ? new - 1 : new),\(news)"
            result.append(Line(kind: .place, text: "@@ \(places) @@"))
            result += group
            (position, old, new) = (range.upperBound, old + olds, new + news)
        }
        return result
    }

    /// The lines; of very long ones only the part that differs from the line they replace.
    private static func shortened(_ lines: [Line]) -> [Line] {
        lines.enumerated().map { index, line in
            guard line.text.count > longest else { return line }
            let other: Line? =
                switch line.kind {
                case .removed: lines[(index + 1)...].first { $0.kind == .added }
                case .added: lines[..<index].last { $0.kind == .removed }
                default: line
                }
            guard let other else { return line }
            let (own, foreign) = (Array(line.text), Array(other.text))
            let head = zip(own, foreign).prefix { $0 == $1 }.count
            let tail = zip(own[head...].reversed(), foreign[head...].reversed()).prefix { $0 == $1 }.count
            let start = line.kind == .same ? 0 : max(0, head - margin)
            let end = line.kind == .same ? longest : min(own.count, own.count - tail + margin)
            let text = (start > 0 ? "…" : "") + String(own[start..<end]) + (end < own.count ? "…" : "")
            return Line(kind: line.kind, text: text)
        }
    }
}
