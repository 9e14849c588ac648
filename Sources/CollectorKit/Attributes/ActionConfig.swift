// SPDX-License-Identifier: Apache-2.0

public import YAML

/// One action on the attributes of a record or resource, in the keys of the OpenTelemetry Collector.
public struct ActionConfig: ConfigSection, Hashable {
    /// The attribute that is changed.
    public var key = ""
    /// What is done to it.
    public var action = Kind.upsert
    /// The new value: a text in quotes, a number or `true` where it is written without them, unless `converted_type` says otherwise.
    public var value: TypedScalar?
    /// The attribute whose value is taken.
    public var fromAttribute: String?
    /// What of the request is taken: `metadata.NAME`, `auth.name` or `client.address`.
    public var fromContext: String?
    /// The new value where an attribute, a request or a table gives none, or `value` is empty.
    public var defaultValue: TypedScalar?
    /// A CSV file with a line of column names, in which the value from elsewhere is looked up.
    public var table: ConfigPath?
    /// The column of the table that is compared; `key` when left out.
    public var keyColumn: String?
    /// The column of the table that has the new value; `value` when left out.
    public var valueColumn: String?
    /// Whether the record is changed, or its resource; `resource` changes resources always.
    public var target = Target.record
    /// For `extract` the expression whose named groups become attributes; for `delete` and `hash` one for keys.
    public var pattern: String?
    /// The type for `convert`, and of `value`.
    public var convertedType: ValueForm?

    /// An action without a key.
    public init() {}

    /// What a list of actions means.
    ///
    /// - Parameters:
    ///   - subject: What they are done to, such as `each record`.
    ///   - hasTarget: Whether an action may name its ``target``.
    package static func documentation(of subject: String, hasTarget: Bool) -> String {
        "what is done to \(subject), in this order: a list of {key, action, value, from_attribute, from_context, default_value, pattern, converted_type, table, key_column, value_column\(hasTarget ? ", target" : "")}; actions are insert, update, upsert, delete, hash, extract and convert"
    }

    /// Reports those of a list of actions that cannot be carried out.
    package static func validate(_ actions: [ActionConfig], at key: String, _ findings: inout ConfigFindings) {
        for (position, action) in actions.enumerated() {
            do throws(ActionError) {
                _ = try AttributeAction(action)
            } catch {
                let place = [key, "\(position)"] + (error.key.map { [$0] } ?? [])
                findings.error("action", error.message, at: place, help: error.help)
            }
        }
    }

    /// Reports tables of a list of actions that cannot be read.
    package static func checkTables(_ actions: [ActionConfig], at key: String, _ findings: inout ConfigFindings) {
        for (position, action) in actions.enumerated() {
            guard let table = AttributeAction.table(of: action) else { continue }
            let place = [key, "\(position)", "table"]
            guard table.isThere else {
                findings.warning("table", "there is no such file here; the start ends without it", at: place)
                continue
            }
            do throws(ActionError) {
                try table.open()
            } catch {
                findings.error("table", error.message, at: place, help: error.help)
            }
        }
    }

    /// What can be done.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case insert, update, upsert, delete, hash, extract, convert
    }

    /// The types a value can have.
    public enum ValueForm: String, Codable, Sendable, CaseIterable {
        case int, double, string, bool
    }

    /// What has the attributes.
    public enum Target: String, Codable, Sendable, CaseIterable {
        case record, resource
    }

    enum CodingKeys: String, CodingKey {
        case key, action, value, pattern, table, target
        case fromAttribute = "from_attribute"
        case fromContext = "from_context"
        case defaultValue = "default_value"
        case keyColumn = "key_column"
        case valueColumn = "value_column"
        case convertedType = "converted_type"
    }
}
