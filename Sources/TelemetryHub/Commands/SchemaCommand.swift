// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PostgreSQLExporter

/// The command `hammurabi schema`.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Prints the database schema of a store, for administrators.",
        discussion: """
            The exporter postgresql makes its tables itself unless it has create_schema: false; then an administrator applies them.
            The JSON Schema of the configuration is another thing: hammurabi config schema.

            Example:
              hammurabi schema postgresql | psql "$HUB_DATABASE_URL"
            """
    )

    @Argument(help: ArgumentHelp("postgresql.", valueName: "exporter"))
    var exporter: StoreType

    @Option(help: ArgumentHelp("The schema of the tables, as in the configuration.", valueName: "name"))
    var name = PostgreSQLConfig().schema

    enum StoreType: String, ExpressibleByArgument, CaseIterable {
        case postgresql
    }

    func validate() throws {
        guard PostgreSQLConfig.isSchema(name) else { throw ValidationError(PostgreSQLConfig.schemaRule) }
    }

    func run() { Console.answer(PostgreSQLSchema.statements(schema: name)) }
}
