// SPDX-License-Identifier: Apache-2.0

import AttributesProcessor
import CollectorKit
import CollectorTesting
import Foundation
import HTTPTypes
import Logging
import OTLP
import ResourceProcessor
import Synchronization
import Testing
import Usage

/// Attributes of resources, and values that come from requests and tables.
struct ResourceTests {
    private static let fields: HTTPFields = {
        var fields = HTTPFields()
        if let tenant = HTTPField.Name("X-Tenant") { fields[tenant] = "acme" }
        return fields
    }()

    private func processed(_ actions: String, _ batch: Batch, _ settings: ComponentSettings? = nil) throws -> Batch {
        var batch = batch
        let (config, problems) = decoded(ResourceConfig.self, "attributes: [\(actions)]")
        #expect(problems == [])
        let given = try settings ?? ProcessorTests.settings("resource")
        try ComponentFactory.resource.makeProcessor(config, given).process(&batch)
        return batch
    }

    private func resource(_ batch: Batch) -> [String: String] {
        batch.otlp.attributes(of: .resource(0)).reduce(into: [:]) {
            $0[batch.otlp.string($1.key)] = batch.otlp.text(of: $1.value)
        }
    }

    @Test func `a resource is changed, and its records stay as they are`() throws {
        let before = try logs(#""attributes":[\#(text("a", "1"))]"#, resource: text("service.name", "s"))
        let after = try processed(
            """
            { key: team.id, action: insert, value: red }, { key: service.name, action: update, value: t },
            { key: copy, action: upsert, from_attribute: service.name }, { key: missing, action: update, value: x }
            """,
            before
        )
        #expect(resource(after) == ["service.name": "t", "team.id": "red", "copy": "t"])
        #expect(after.otlp.attributes(of: .record(0)).map { after.otlp.string($0.key) } == ["a"])
        let encoded = try OTLPBatch(signal: .logs, protobuf: Array(after.otlp.encoded()))
        #expect(encoded.attribute(.serviceName, resource: 0) != nil && encoded.resources.count == 1)
    }

    @Test func `what has the value already is not written again`() throws {
        let before = try logs(#""eventName":"x""#, resource: text("service.name", "s"))
        let after = try processed("{ key: service.name, action: upsert, value: s }", before)
        #expect(after.otlp.overlay.isEmpty)
    }

    @Test func `values come from header fields, from the name of the key and from the address`() throws {
        var batch = try logs(#""eventName":"x""#)
        batch.client = ClientContext(fields: Self.fields, address: { "10.1.2.3" }, keyName: { "build server" })
        let after = try processed(
            """
            { key: tenant, action: insert, from_context: metadata.x-tenant },
            { key: team.id, action: insert, from_context: auth.name },
            { key: client, action: insert, from_context: client.address },
            { key: nothing, action: insert, from_context: metadata.x-other }
            """,
            batch
        )
        #expect(resource(after) == ["tenant": "acme", "team.id": "build server", "client": "10.1.2.3"])
        // Nothing is known of a batch that no request brought.
        batch.client = nil
        #expect(resource(try processed("{ key: t, action: insert, from_context: auth.name }", batch)) == [:])
    }

    @Test(arguments: [
        (
            "from_context: metadata.Authorization",
            "metadata.Authorization is a secret, which must not become an attribute"
        ),
        (
            "from_context: metadata.x-hammurabi-api-key",
            "metadata.x-hammurabi-api-key is a secret, which must not become an attribute"
        ),
        ("from_context: auth.subject", "\"auth.subject\" is nothing that is known of a request"),
        ("value: a, table: t.csv", "a table is asked for a value that requests bring"),
        ("from_attribute: a, key_column: b", "columns need a table"),
    ])
    func `what no request can answer is an error of the configuration`(keys: String, message: String) {
        let problems = decoded(ResourceConfig.self, "attributes: [{ key: k, action: insert, \(keys) }]").problems
        #expect(problems.count == 1 && problems.first?.contains(message) == true, "\(problems)")
    }

    @Test func `attributes acts on the resource where it is asked to`() throws {
        let config = decoded(
            AttributesConfig.self,
            """
            include: { match_type: strict, attributes: [{ key: a }] }
            actions: [{ key: team.id, action: insert, value: red, target: resource }, { key: b, value: 2 }]
            """
        ).config
        var batch = try logs(#""attributes":[\#(text("a", "1"))]"#, #""attributes":[\#(text("a", "2"))]"#)
        try ComponentFactory.attributes.makeProcessor(config, settings("attributes")).process(&batch)
        #expect(resource(batch) == ["team.id": "red"])
        var other = try logs(#""eventName":"x""#)
        try ComponentFactory.attributes.makeProcessor(config, settings("attributes")).process(&other)
        #expect(resource(other) == [:])
    }

    // MARK: - Configurations of the OpenTelemetry Collector

    /// The examples of its `resource` processor's README and test data.
    @Test(arguments: [
        (
            """
            { key: cloud.availability_zone, value: "zone-1", action: upsert },
            { key: k8s.cluster.name, from_attribute: k8s-cluster, action: insert },
            { key: redundant-attribute, action: delete }
            """,
            ["cloud.availability_zone": "zone-0", "k8s-cluster": "c1", "redundant-attribute": "x"],
            ["cloud.availability_zone": "zone-1", "k8s-cluster": "c1", "k8s.cluster.name": "c1"]
        ),
        (
            """
            { key: deployment.environment, value: "", default_value: "development", action: upsert },
            { key: service.namespace, from_attribute: namespace, default_value: "default", action: insert },
            { key: cloud.region, from_context: "metadata.region", default_value: "us-east-1", action: upsert }
            """,
            [:],
            ["deployment.environment": "development", "service.namespace": "default", "cloud.region": "us-east-1"]
        ),
        (
            """
            { key: deployment.environment, value: "production", default_value: "development", action: upsert },
            { key: service.namespace, from_attribute: namespace, default_value: "default", action: insert },
            { key: cloud.region, from_context: "metadata.X-Tenant", default_value: "us-east-1", action: upsert },
            { key: account_id, default_value: 2245, action: insert }
            """,
            ["namespace": "shop"],
            [
                "namespace": "shop", "deployment.environment": "production", "service.namespace": "shop",
                "cloud.region": "acme;emca", "account_id": "2245",
            ]
        ),
    ])
    func `examples of the collector's documentation give what it says`(
        actions: String,
        before: [String: String],
        after: [String: String]
    ) throws {
        let attributes = before.sorted { $0.key < $1.key }.map { text($0.key, $0.value) }.joined(separator: ",")
        var batch = try logs(#""eventName":"x""#, resource: attributes)
        var fields = Self.fields
        if let tenant = HTTPField.Name("x-tenant") { fields.append(HTTPField(name: tenant, value: "emca")) }
        batch.client = ClientContext(fields: fields)
        #expect(resource(try processed(actions, batch)) == after)
    }

    // MARK: - Tables

    @Test func `a table is read again when it has changed, and a damaged one leaves what is known`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/teams.csv"
        try Data("user,team\nann,red\n\"bob, jr\",\"the \"\"blue\"\"\"\r\n".utf8).write(to: URL(filePath: path))
        let time = Mutex(arrival)
        var given = try settings("resource")
        given.now = { time.withLock { $0 } }
        let config = decoded(
            ResourceConfig.self,
            "attributes: [{ key: team.id, action: upsert, from_attribute: user, table: '\(path)', key_column: user, value_column: team }]"
        ).config
        let processor = try ComponentFactory.resource.makeProcessor(config, given)
        func team(_ user: String) throws -> String? {
            time.withLock { $0 = Timestamp(nanoseconds: $0.nanoseconds + 2_000_000_000) }
            var batch = try logs(#""eventName":"x""#, resource: text("user", user))
            try processor.process(&batch)
            return resource(batch)["team.id"]
        }
        #expect(try team("ann") == "red" && team("carl") == nil)
        #expect(try team(#"bob, jr"#) == #"the "blue""#)
        try Data("user,team\nann,green\ncarl,red\n".utf8).write(to: URL(filePath: path), options: .atomic)
        #expect(try team("ann") == "green" && team("carl") == "red" && team("bob, jr") == nil)
        try Data("user,team\nann\n".utf8).write(to: URL(filePath: path), options: .atomic)
        #expect(try team("ann") == "green")
    }

    @Test(arguments: [
        ("", ": the file is empty; its first line has the names of the columns"),
        ("a,b\n", ":1: there is no one column \"user\"; the columns are a, b"),
        ("user,user,team\n", ":1: there is no one column \"user\"; the columns are user, user, team"),
        ("user,team\nann\n", ":2: the line has 1 fields, the first line 2"),
        ("user,team\n\"ann\n\n,red\n", ":2: a quotation mark is not closed"),
        ("user,team\n\"ann\"x,red\n", ":2: a comma must follow the quotation mark"),
        ("user,team\nann,red\n\nann,blue\n", ":4: \"ann\" has another value on line 2"),
    ])
    func `what is wrong with a table is told with its line`(text: String, message: String) {
        #expect {
            try LookupTable.values(Array(text.utf8), path: "t.csv", key: "user", value: "team")
        } throws: { error in
            "\(error)" == "t.csv" + message
        }
    }

    @Test func `a table has bounds`() {
        let rows = (0...LookupTable.mostRows).map { "u\($0),t\n" }.joined()
        #expect(throws: CSVError.self) {
            try LookupTable.values(Array(("user,team\n" + rows).utf8), path: "t.csv", key: "user", value: "team")
        }
    }

    @Test func `a table that is missing ends the start`() throws {
        let config = decoded(
            ResourceConfig.self,
            "attributes: [{ key: a, action: insert, from_attribute: b, table: /nowhere/t.csv }]"
        ).config
        #expect(throws: StartError.self) { try ComponentFactory.resource.makeProcessor(config, settings("resource")) }
    }
}
