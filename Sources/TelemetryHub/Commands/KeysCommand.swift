// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The command `hammurabi keys`.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Creates, lists and revokes the API keys of senders and readers.",
        discussion: "Changes are in force within a second, without a restart. The file keeps hashes only.",
        subcommands: [Create.self, List.self, Revoke.self]
    )

    /// The option that names the file of keys.
    struct Place: ParsableArguments {
        @OptionGroup var options: ConfigOptions

        @Option(
            help: ArgumentHelp("The file of keys, instead of the one that the configuration names.", valueName: "path")
        )
        var file: String?

        /// The file, in a folder that exists.
        func keyFile() throws -> KeyFile {
            if let file { return KeyFile(path: file) }
            let environment = Environment.process
            let graph = try options.graph(environment)
            let config = graph.used(.extension).lazy.compactMap { $0.config as? APIKeysConfig }.first
            if config == nil {
                Console.prose(
                    "hammurabi: note: no key is required until an extension api_keys is named under service.extensions\n"
                )
            }
            return KeyFile(path: (config ?? APIKeysConfig()).path(home: environment.programHome))
        }
    }

    /// The command `hammurabi keys create`.
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Creates a key and prints it once.",
            discussion: """
                Example:
                  hammurabi keys create --name laptop --scope write
                """
        )

        @OptionGroup var place: Place

        @Option(help: "A name for the key, such as its user's.")
        var name: String

        @Option(help: "What it allows: read or write; may be given twice. Both when left out.")
        var scope: [String] = []

        @Flag(help: "Print a JSON document.")
        var json = false

        func validate() throws {
            guard APIKeysConfig.isName(name) else {
                throw ValidationError("--name is the name of a person, program or machine: \(APIKeysConfig.nameRule)")
            }
            if let odd = scope.first(where: { KeysCommand.scope($0) == nil }) {
                throw ValidationError("there is no scope '\(odd.printable)'; write read or write")
            }
        }

        func run() throws {
            let scopes = KeyScope.allCases.filter { $0.isNamed(in: scope) }
            let key = NewKey(name: name, scopes: scopes, createdAt: Console.now().iso8601)
            try KeysCommand.change(place) { $0.append(key.record) }
            guard json else {
                Console.answer(key.key + "\n")
                Console.prose("\(key.record.id) is kept as a hash; this is the only time that the key is shown\n")
                return
            }
            Console.answer(
                json: JSONText.indented(
                    Document(
                        id: key.record.id,
                        name: name,
                        scopes: scopes,
                        createdAt: key.record.createdAt,
                        key: key.key
                    )
                )
            )
        }

        private struct Document: Encodable {
            var id, name: String
            var scopes: [KeyScope]
            var createdAt, key: String
        }
    }

    /// The command `hammurabi keys list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists the keys that are in the file."
        )

        @OptionGroup var place: Place

        @Flag(help: "Print a JSON document.")
        var json = false

        func run() throws {
            let records = try KeysCommand.exiting { try place.keyFile().records() }
            if json {
                return Console.answer(json: JSONText.indented(["keys": records.map(Document.init)]))
            }
            var table = TextTable(
                columns: [
                    .init(title: "Id"), .init(title: "Name"), .init(title: "Key", rank: 2), .init(title: "Scopes"),
                    .init(title: "Created", rank: 1), .init(title: "Last used"),
                ]
            )
            table.rows = records.map { record in
                let scopes = record.scopes.map(\.word).joined(separator: ",")
                let cells = [record.id, record.name.printable, record.prefix + "…", scopes]
                return .init(cells: cells + [record.createdAt, record.lastUsedAt ?? "never"])
            }
            let style = Style(isTerminal: Console.isTerminal, environment: Environment.process.variables)
            Console.answer(table.text(width: Console.columns, style: style, isTerminal: Console.isTerminal))
        }

        /// A key without its hash, which is of no use outside of the file.
        private struct Document: Encodable {
            var id, name, prefix: String
            var scopes: [KeyScope]
            var createdAt: String
            var lastUsedAt: String?

            init(_ record: KeyRecord) {
                (id, name, prefix, scopes) = (record.id, record.name, record.prefix, record.scopes)
                (createdAt, lastUsedAt) = (record.createdAt, record.lastUsedAt)
            }
        }
    }

    /// The command `hammurabi keys revoke`.
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Revokes a key.")

        @OptionGroup var place: Place

        @Argument(help: "The name or id of the key.")
        var key: String

        func run() throws {
            let found = try KeysCommand.change(place) { records -> [KeyRecord] in
                let found = records.filter { $0.id == key || $0.name == key }
                if found.count == 1 { records.removeAll { $0.id == found[0].id } }
                return found
            }
            switch found.count {
            case 1: Console.answer("\(found[0].id) is revoked\n")
            case 0:
                Console.prose(
                    "hammurabi: no key has the id or name '\(key.printable)'; hammurabi keys list shows all\n"
                )
                throw ExitCode(Exit.inputMissing)
            default:
                let ids = found.map(\.id).joined(separator: ", ")
                Console.prose("hammurabi: several keys have the name '\(key.printable)'; name one of \(ids)\n")
                throw ExitCode(Exit.badInput)
            }
        }
    }

    // MARK: - Common

    fileprivate static func scope(_ word: String) -> KeyScope? {
        KeyScope.allCases.first { $0.word == word || $0.rawValue == word }
    }

    fileprivate static func change<Answer>(_ place: Place, _ change: (inout [KeyRecord]) -> Answer) throws -> Answer {
        let file = try place.keyFile()
        return try exiting { try file.change(change) }
    }

    /// Prints why a file cannot be used, and exits with the code for it.
    private static func exiting<Answer>(_ work: () throws -> Answer) throws -> Answer {
        do {
            return try work()
        } catch let error as StartError {
            Console.prose("hammurabi: \(error)\n")
            throw ExitCode(error.exitCode)
        }
    }
}

extension KeyScope {
    /// The scope as written on the command line.
    fileprivate var word: String { String(rawValue.split(separator: ":").last ?? "") }

    /// Whether the scope is among the words; without any word, every scope is.
    fileprivate func isNamed(in words: [String]) -> Bool {
        words.isEmpty || words.contains { KeysCommand.scope($0) == self }
    }
}
