// SPDX-License-Identifier: Apache-2.0

/// What a status line shows, as users write it: text with parts in braces, such as `{session} · {limits}`.
///
/// The text between two parts is written only between two parts that are known; the text before the first and after the last always. A
/// brace of its own is doubled. A text without braces is the name of a template of ``named``.
package struct StatusLineTemplate: Hashable, Sendable {
    private var parts: [Place] = []
    private var end = ""

    /// A part with the text before it.
    private struct Place: Hashable {
        var text: String
        var part: Part
    }

    /// What a status line can show.
    package enum Part: String, CaseIterable, Sendable {
        case session, today, block, burn, budget, context, limits, tokens, model

        /// What it shows unless something else is asked for.
        package static let usual: [Part] = [.session, .today, .block, .burn, .budget, .context, .limits, .tokens]

        /// The names of all parts, for messages.
        package static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
    }

    /// Why a text is no template.
    package struct Problem: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// Templates to choose by their names.
    package static let named: [(name: String, template: String)] = [
        ("full", Part.usual.map { "{\($0.rawValue)}" }.joined(separator: " · ")),
        ("short", "{session} · {limits} · {context}"),
        ("limits", "{limits} · {block}"),
        ("ccusage", "{model} | {session} / {today} / {block} | {burn} | {context}"),
    ]

    /// The longest template, in bytes.
    private static let longest = 1_024

    /// Reads a template or the name of one.
    package init(_ text: String) throws(Problem) {
        guard text.contains("{") || text.contains("}") else {
            guard let known = Self.named.first(where: { $0.name == text })?.template else {
                let names = Self.named.map(\.name).joined(separator: ", ")
                throw Problem(
                    description:
                        "\"\(text.prefix(80))\" is no template; use \(names), or a text with parts in braces, such as \"{session} · {limits}\""
                )
            }
            try read(known)
            return
        }
        try read(text)
    }

    private mutating func read(_ text: String) throws(Problem) {
        guard text.utf8.count <= Self.longest,
            !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw Problem(description: "a template is one line of at most \(Self.longest) bytes") }
        var rest = text[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            end += rest[..<brace]
            let sign = rest[brace]
            rest = rest[rest.index(after: brace)...]
            if rest.first == sign {
                end.append(sign)
                rest = rest.dropFirst()
                continue
            }
            guard sign == "{", let close = rest.firstIndex(of: "}") else {
                throw Problem(description: "a brace of the template is alone; write {{ or }} for the character itself")
            }
            let name = String(rest[..<close])
            guard let part = Part(rawValue: name) else {
                throw Problem(description: "there is no part \"\(name.prefix(80))\"; use \(Part.names)")
            }
            parts.append(Place(text: end, part: part))
            end = ""
            rest = rest[rest.index(after: close)...]
        }
        end += rest
    }

    /// The line with the texts of its parts; nil for what is not known.
    package func filled(_ text: (Part) -> String?) -> String {
        var (line, hasPart) = ("", false)
        for (position, place) in parts.enumerated() {
            if position == 0 { line += place.text }
            guard let known = text(place.part) else { continue }
            if position > 0, hasPart { line += place.text }
            line += known
            hasPart = true
        }
        return line + end
    }
}
