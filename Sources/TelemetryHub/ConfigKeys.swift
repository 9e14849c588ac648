// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import YAML

/// One key that a component's configuration has.
struct ConfigKey {
    var path: [String]
    var type: ValueType
    var defaultText: String?
    var documentation: String

    var name: String { path.joined(separator: ".") }
}

/// The keys of components, with their documentation.
enum ConfigKeys {
    static func of(_ factory: some ComponentFactory) -> [ConfigKey] {
        keys(of: factory)
    }

    private static func keys<Factory: ComponentFactory>(of factory: Factory) -> [ConfigKey] {
        let described = (try? KeyDescription.list(of: Factory.Config())) ?? []
        // The keys of a list's items are described with the list.
        return described.filter { !$0.path.contains("[]") }.map { key in
            ConfigKey(
                path: key.path,
                type: key.type,
                defaultText: key.defaultText,
                documentation: Factory.Config.documentation[key.path.joined(separator: ".")] ?? ""
            )
        }
    }
}
