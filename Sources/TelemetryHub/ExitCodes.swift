// SPDX-License-Identifier: Apache-2.0

extension Exit {
    static let done: Int32 = 0
    static let usage: Int32 = 64

    /// One code: its number, a word for programs, and when it is used.
    struct Meaning {
        var code: Int32
        var kind: String
        var text: String
    }

    /// All codes.
    static let meanings = [
        Meaning(code: done, kind: "done", text: "done"),
        Meaning(
            code: checkSaidNo,
            kind: "check",
            text: "a check failed: a budget is exceeded, or a finding is an error"
        ),
        Meaning(code: usage, kind: "usage", text: "the command line is wrong"),
        Meaning(code: badInput, kind: "data", text: "the data that was read is invalid"),
        Meaning(code: inputMissing, kind: "missing", text: "what was asked for is not there"),
        Meaning(code: unreachable, kind: "unreachable", text: "no collector answers, or it cannot answer now"),
        Meaning(code: internalError, kind: "internal", text: "an error of the program itself"),
        Meaning(code: inputOutput, kind: "io", text: "a file cannot be read or written"),
        Meaning(code: permission, kind: "permission", text: "a key or a right is missing"),
        Meaning(code: configuration, kind: "configuration", text: "the configuration is wrong"),
        Meaning(code: 130, kind: "interrupted", text: "ended by Ctrl-C"),
        Meaning(code: 143, kind: "terminated", text: "ended by SIGTERM"),
    ]

    /// The word for a code.
    static func kind(_ code: Int32) -> String { meanings.first { $0.code == code }?.kind ?? "internal" }

    /// The table for people, `help exit-codes`.
    static var table: String {
        meanings.map { meaning in
            let number = String(meaning.code)
            return String(repeating: " ", count: 5 - number.count) + "\(number)  \(meaning.text)\n"
        }.joined()
    }
}
