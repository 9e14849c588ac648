// SPDX-License-Identifier: Apache-2.0

/// Asks the user at the terminal; questions go to standard error, so that standard output has only the answer.
///
/// Ctrl-C at any question throws ``Interrupted``.
struct Prompt {
    let keyboard: Keyboard
    let style: Style
    /// Whether the terminal can move its cursor.
    let movesCursor: Bool

    /// nil when there is no terminal on which a user can answer.
    init?(environment: [String: String]) {
        guard Console.showsProgress, let keyboard = Keyboard() else { return nil }
        self.keyboard = keyboard
        style = Style(isTerminal: Console.showsProgress, environment: environment)
        let terminal = environment["TERM"] ?? ""
        movesCursor = Console.showsProgress && terminal != "dumb" && !terminal.isEmpty
    }

    private func show(_ text: String) { Console.error(text) }

    /// Asks for a line of text.
    ///
    /// - Parameters:
    ///   - isSecret: Whether the typed characters are hidden.
    ///   - fault: Returns what is wrong with an answer; nil when it is valid.
    func text(
        _ question: String,
        default answer: String? = nil,
        isSecret: Bool = false,
        fault: (String) -> String? = { _ in nil }
    ) throws -> String {
        while true {
            show(style.bold(question) + (answer.map { " (\($0))" } ?? "") + ": ")
            var line = try line(isSecret: isSecret).trimmed
            if line.isEmpty, let answer { line = answer }
            if line.isEmpty { continue }
            guard let fault = fault(line) else { return line }
            show("  \(fault)\n")
        }
    }

    /// Asks yes or no.
    func confirm(_ question: String, default answer: Bool) throws -> Bool {
        while true {
            show(style.bold(question) + (answer ? " [Y/n] " : " [y/N] "))
            switch try line(isSecret: false).trimmed.lowercased() {
            case "": return answer
            case "y", "yes": return true
            case "n", "no": return false
            default: show("  Answer y or n.\n")
            }
        }
    }

    /// Asks for a selection of items.
    func choose(_ question: String, _ start: MultiSelect) throws -> Set<Int> {
        guard movesCursor else { return try chooseByNumber(question, start) }
        var choice = start
        show(style.bold(question) + style.dim("  arrows move, space chooses, a: all, enter: done") + "\n")
        show("\u{1B}[?25l")
        defer { show("\u{1B}[?25h") }
        while true {
            let lines = choice.lines(width: Console.errorWidth, style: style)
            show(lines.map { $0 + "\u{1B}[K\n" }.joined())
            guard let key = keyboard.key(), key != .interrupt else { throw Interrupted() }
            if key == .enter { return choice.chosen }
            choice.press(key)
            show("\u{1B}[\(lines.count)A\r")
        }
    }

    private func chooseByNumber(_ question: String, _ choice: MultiSelect) throws -> Set<Int> {
        show(question + "\n")
        for (index, item) in choice.items.enumerated() {
            show("  \(index + 1) \(item.title)  \(item.remark.printable)\n")
        }
        let start = choice.chosen.sorted().map { String($0 + 1) }.joined(separator: ",")
        let answer = try text("Numbers divided by commas, all or none", default: start.isEmpty ? "none" : start) {
            choice.named(by: $0) == nil ? "Answer with numbers from 1 to \(choice.items.count), all or none." : nil
        }
        return choice.named(by: answer) ?? []
    }

    /// Reads a line, up to the enter key.
    private func line(isSecret: Bool) throws -> String {
        var line = ""
        while let key = keyboard.key() {
            switch key {
            case .enter:
                show("\n")
                return line
            case .interrupt:
                show("\n")
                throw Interrupted()
            case .backspace:
                guard !line.isEmpty else { continue }
                line.removeLast()
                if !isSecret { show("\u{8} \u{8}") }
            case .clear:
                if !isSecret { show(String(repeating: "\u{8} \u{8}", count: line.count)) }
                line = ""
            case .sign(let sign):
                guard line.utf8.count < 4_096 else { continue }
                line.append(sign)
                if !isSecret { show(String(sign)) }
            default: continue
            }
        }
        throw Interrupted()
    }
}

extension String {
    /// The text without white space at its ends.
    var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
