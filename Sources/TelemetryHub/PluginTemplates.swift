// SPDX-License-Identifier: Apache-2.0

import CEmbedded

/// What `hammurabi plugins new` writes.
enum PluginTemplates {
    struct File {
        var path: String
        var text: String
        var isProgram = false
    }

    private static func text(_ start: UnsafePointer<UInt8>, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The name as that of a type in Python and Swift.
    private static func typeName(_ name: String) -> String {
        name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    static func python(_ name: String) -> [File] {
        let program = """
            #!/usr/bin/env python3
            import hammurabi_plugin as hub


            class \(typeName(name))(hub.Processor):
                type = "\(name)"
                summary = "sets an attribute of every record"
                max_in_flight = 4
                schema = {
                    "type": "object",
                    "properties": {"value": {"type": "string", "default": "hello", "description": "what is set"}},
                }

                def process(self, batch):
                    for record in batch:
                        record.set("\(name)", self.config["value"])


            hub.run(\(typeName(name)), version="0.1")

            """
        return [
            File(path: "\(name).py", text: program, isProgram: true),
            File(
                path: "hammurabi_plugin.py",
                text: text(hammurabi_plugin_python(), hammurabi_plugin_python_length())
            ),
        ]
    }

    static func c(_ name: String) -> [File] {
        let program = #"""
            #include "hammurabi_plugin.h"

            static const char description[] =
                "{\"protocol\":[1,1],\"name\":\"NAME\",\"version\":\"0.1\",\"components\":[{\"kind\":\"processor\",\"type\":\"NAME\","
                "\"summary\":\"sets an attribute of every record\",\"max_in_flight\":4,\"schema\":{\"type\":\"object\",\"properties\":{"
                "\"value\":{\"type\":\"string\",\"default\":\"hello\",\"maxLength\":200,\"description\":\"what is set\"}}}}]}";

            static char value[1024];

            static int open_plugin(void *state, const char *type, const char *config, const char *state_dir, char error[256])
            {
                (void)state, (void)type, (void)state_dir;
                if (hub_config_text(config, "value", value, sizeof value)) return 0;
                snprintf(error, 256, "value is a text");
                return -1;
            }

            static int process(void *state, const hub_batch *batch, hub_answer *answer)
            {
                (void)state;
                hub_record record = {0};
                while (hub_next(batch, &record)) hub_set_text(answer, HUB_RECORD, record.number, "NAME", value);
                return HUB_OK;
            }

            int main(int argc, char **argv)
            {
                hub_plugin plugin = {.description = description, .open = open_plugin, .take = process};
                return hub_run(argc, argv, &plugin);
            }

            """#.replacing("NAME", with: name)
        return [
            File(path: "\(name).c", text: program),
            File(
                path: "hammurabi_plugin.h",
                text: text(hammurabi_plugin_header(), hammurabi_plugin_header_length())
            ),
        ]
    }

    static func swift(_ name: String) -> [File] {
        let type = typeName(name)
        let package = """
            // swift-tools-version: 6.2
            import PackageDescription

            let package = Package(
                name: "\(name)",
                // The sources of Telemetry Hub, beside this folder; a URL will do as well.
                dependencies: [.package(name: "hammurabi", path: "../hammurabi")],
                targets: [
                    .executableTarget(
                        name: "\(type)",
                        dependencies: [
                            .product(name: "CollectorKit", package: "hammurabi"),
                            .product(name: "TelemetryHub", package: "hammurabi"),
                        ]
                    )
                ]
            )

            """
        let component = """
            import CollectorKit

            /// What a user writes under `\(name):`.
            struct \(type)Config: ComponentConfig {
                var greeting = "hello"
                static let documentation = ["greeting": "what is printed for each batch"]
            }

            extension ComponentFactory {
                static let \(name) = exporter(
                    "\(name)",
                    \(type)Config.self,
                    summary: "prints the number of records of each batch"
                ) { config, settings in
                    SimpleExporter(settings) {
                        { batch in print(config.greeting, batch.otlp.recordCount) }
                    }
                }
            }

            """
        let main = """
            import TelemetryHub

            await TelemetryHub.main(adding: [.\(name)])

            """
        return [
            File(path: "Package.swift", text: package),
            File(path: "Sources/\(type)/\(type)Exporter.swift", text: component),
            File(path: "Sources/\(type)/main.swift", text: main),
        ]
    }

    /// What to do with the files.
    static func next(_ name: String, in folder: String, isPython: Bool, isC: Bool) -> String {
        guard isPython || isC else {
            return """
                Next:
                  cd \(name) && swift run \(typeName(name)) components \(name)

                """
        }
        let program = isPython ? "\(name).py" : name
        let compile = isC ? "cc -O2 -o \(name) \(name).c && " : ""
        return """
            Next:
              cd \(name) && \(compile)hammurabi plugins check ./\(program)

            In the configuration:
              plugins:
                \(name): { command: [\(folder)/\(program)] }
              processors:
                \(name): { value: hello }

            """
    }
}
