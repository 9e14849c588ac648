// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Onboarding

extension OnboardFlow {
    /// Brings files back; returns the exit code.
    mutating func undo() throws -> Int32 {
        var subjects = Set(options.agents.map(\.rawValue))
        if options.service { subjects.insert("service") }
        let planned = try journal.undo(subjects, force: options.force, pretend: true, now: Console.now())
        if planned.isEmpty {
            if options.json { Console.answer(json: document([])) }
            say("There is nothing to undo.\n")
            return 0
        }
        if options.dryRun { return tell(planned, pretend: true) }
        if let questions {
            for item in planned { Console.error("  \(account.shown(item.path)): \(sentence(item, pretend: true))\n") }
            guard try questions.confirm("Bring these files back?", default: true) else { return 0 }
        }
        let removesService = planned.contains { $0.subject == "service" && $0.result == .removed }
        if removesService, Systemctl.isThere(surroundings) {
            Systemctl.run(["disable", "--now", ServiceUnit.name])
        }
        let undone = try journal.undo(subjects, force: options.force, now: Console.now())
        if removesService, Systemctl.isThere(surroundings) { Systemctl.run(["daemon-reload"]) }
        return tell(undone, pretend: false)
    }

    private func tell(_ items: [Journal.Undone], pretend: Bool) -> Int32 {
        if options.json { Console.answer(json: document(items)) }
        var code: Int32 = 0
        for item in items {
            let line = "\(account.shown(item.path)): \(sentence(item, pretend: pretend))\n"
            switch item.result {
            case .restored, .removed: say(line)
            case .changedSince:
                if !options.json { Console.error(line) }
                code = code == 0 ? Exit.checkSaidNo : code
            case .failed(let fault):
                if !options.json { Console.error(line) }
                code = code == 0 ? fault.exitCode : code
            }
        }
        return code
    }

    private func sentence(_ item: Journal.Undone, pretend: Bool) -> String {
        switch item.result {
        case .restored: pretend ? "would be as it was before" : "is as it was before"
        case .removed: pretend ? "was not there before and would be removed" : "was not there before and is removed"
        case .changedSince:
            "was changed since, so it was left as it is; --force restores it and keeps a copy of what it holds"
        case .failed(let fault): fault.description
        }
    }

    private func document(_ items: [Journal.Undone]) -> String {
        struct Item: Encodable {
            var name: String
            var path: String
            var state: String
            var error: String?
        }
        let list = items.map { item in
            switch item.result {
            case .restored: Item(name: item.subject, path: item.path, state: "restored")
            case .removed: Item(name: item.subject, path: item.path, state: "removed")
            case .changedSince: Item(name: item.subject, path: item.path, state: "changedSince")
            case .failed(let fault):
                Item(name: item.subject, path: item.path, state: "failed", error: fault.description)
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(["files": list])).map { String(decoding: $0, as: UTF8.self) } ?? "{}") + "\n"
    }
}
