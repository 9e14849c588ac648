// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
public import YAML

/// A configuration of the OpenTelemetry Collector as one of this program, and what became of each of its parts.
///
/// What both have in common is kept as it is. A component that is not here is replaced by the one that does the same, or dropped; keys that
/// a component does not have are dropped, too, so that the result is one that validates. A store and the components that find and price
/// calls are added, without which nothing would be counted.
public struct Conversion {
    /// What became of one part.
    public struct Remark: Hashable, Sendable {
        /// Where the part was written; nil for what was not there.
        public var mark: Mark?
        /// What happened to it.
        public var outcome: Outcome
        /// The part.
        public var subject: String
        /// Why, or by what it was replaced; empty when there is nothing to say.
        public var reason: String

        /// The line for the user.
        public var line: String {
            let place = mark.map { "\($0): " } ?? ""
            return "\(place)\(outcome.rawValue) \(subject)\(reason.isEmpty ? "" : ": \(reason)")"
        }
    }

    /// What can happen to a part.
    public enum Outcome: String, Sendable, CaseIterable {
        /// It means the same here.
        case kept
        /// Something here does the same.
        case replaced
        /// There is nothing like it, or nothing like it is needed.
        case dropped
        /// It was not there.
        case added
    }

    /// What became of each part, in the order of the places.
    public private(set) var remarks: [Remark] = []
    /// What is still wrong with the result, and could not be dropped.
    public private(set) var diagnostics = Diagnostics()

    private let source: Node
    private let registry: Registry
    private var sections: [ComponentKind: Node.Mapping] = [:]
    private var service: Node.Mapping
    /// By which id a component is known now; nil within for one that is no more.
    private var ids: [ComponentKind: [String: String?]] = [:]
    /// What `batch` processors said, by their ids.
    private var batching: [String: Node.Mapping] = [:]
    /// The `batch` processors whose values an exporter has now.
    private var gathered: Set<String> = []
    /// Stores that are in the place of exporters that were none, by their new ids.
    private var stores: [String] = []
    /// The addresses with port 4317 of exporters over gRPC whose port was changed, by the new ids of the exporters.
    private var grpcAddresses: [String: Scalar] = [:]

    /// Converts a configuration; nothing in it is replaced from the environment.
    public init(_ source: Node, registry: Registry) {
        (self.source, self.registry) = (source, registry)
        service = Node.Mapping(mark: source.mark)
        for kind in ComponentKind.allCases { convertComponents(kind) }
        for entry in source.mapping?.entries ?? [] where !Self.sectionNames.contains(entry.key.text) {
            note(.dropped, entry.key.text, "there is no such section", at: entry.key.mark)
        }
        convertService()
        noteBatching()
        addStore()
        keepPorts()
        addKeys()
        repair()
        remarks.sort { Self.place($0) < Self.place($1) }
    }

    private static let sectionNames = ComponentKind.allCases.map(\.rawValue) + ["service"]

    private static func place(_ remark: Remark) -> (Int, Int) {
        (remark.mark?.line ?? .max, remark.mark?.column ?? .max)
    }

    private mutating func note(_ outcome: Outcome, _ subject: String, _ reason: String = "", at mark: Mark?) {
        remarks.append(Remark(mark: mark, outcome: outcome, subject: subject, reason: reason))
    }

    private var root: Node {
        var root = Node.Mapping(mark: source.mark)
        for kind in ComponentKind.allCases {
            if let section = sections[kind], !section.entries.isEmpty { root[kind.rawValue] = .mapping(section) }
        }
        root["service"] = .mapping(service)
        return .mapping(root)
    }

    /// The result as YAML; values from the environment are written as their references, and secrets as they were.
    public var text: String { root.rendered(redacting: nil) }
}

// MARK: - Components

extension Conversion {
    private mutating func convertComponents(_ kind: ComponentKind) {
        for entry in source[kind.rawValue]?.mapping?.entries ?? [] {
            let subject = "\(kind.singular) \(entry.key.text)"
            guard let id = ComponentID(entry.key.text) else {
                drop(kind, entry, subject, "it is no component id")
                continue
            }
            if registry.factory(kind, id.type) != nil {
                keep(kind, entry, as: entry.key.text)
                note(.kept, subject, at: entry.key.mark)
            } else if !replace(kind, id, entry, subject) {
                let foreign = ForeignComponents(registry: registry)
                let advice = foreign.reason(kind, id.type) ?? "there is nothing like it here"
                drop(kind, entry, subject, advice)
            }
        }
    }

    private mutating func keep(_ kind: ComponentKind, _ entry: Node.Entry, as id: String) {
        var entry = entry
        ids[kind, default: [:]][entry.key.text] = .some(id)
        entry.key.text = id
        sections[kind, default: Node.Mapping(mark: entry.key.mark)].entries.append(entry)
    }

    private mutating func drop(_ kind: ComponentKind, _ entry: Node.Entry, _ subject: String, _ reason: String) {
        ids[kind, default: [:]][entry.key.text] = .some(nil)
        note(.dropped, subject, reason, at: entry.key.mark)
    }

    /// Puts what does the same in the place of a component; false when nothing does.
    private mutating func replace(_ kind: ComponentKind, _ id: ComponentID, _ entry: Node.Entry, _ subject: String)
        -> Bool
    {
        var values = entry.value.mapping ?? Node.Mapping(mark: entry.key.mark)
        switch (kind, id.type) {
        case (.processor, "batch"):
            ids[kind, default: [:]][entry.key.text] = .some(nil)
            batching[entry.key.text] = values
            note(
                .replaced,
                subject,
                "sending_queue.batch of the exporters that send gathers requests",
                at: entry.key.mark
            )
        case (.processor, "memory_limiter"):
            ids[kind, default: [:]][entry.key.text] = .some(nil)
            replaceMemoryLimiter(values, entry, subject)
        case (.exporter, "debug"), (.exporter, "logging"):
            for other in values.entries where other.key.text != "verbosity" {
                note(.dropped, "\(subject) \(other.key.text)", "stdout has no such key", at: other.key.mark)
            }
            values.entries.removeAll { $0.key.text != "verbosity" }
            put(kind, entry, values, as: unused(kind, "stdout", id.name))
            note(.replaced, subject, "stdout writes what comes in as text", at: entry.key.mark)
        case (.exporter, "otlp"), (.exporter, "otlp_grpc"):
            let new = unused(kind, "otlp_http", id.name)
            let address = overHTTP(&values, new)
            put(kind, entry, values, as: new)
            note(.replaced, subject, Self.overHTTP + address, at: entry.key.mark)
        case (.exporter, "file"):
            let ours = ["path", "rotation"]
            for other in values.entries where !ours.contains(other.key.text) {
                note(.dropped, "\(subject) \(other.key.text)", "jsonl has no such key", at: other.key.mark)
            }
            values.entries.removeAll { !ours.contains($0.key.text) }
            let store = unused(kind, "jsonl", id.name)
            stores.append(store)
            put(kind, entry, values, as: store)
            note(.replaced, subject, "jsonl keeps it in files, in a form of its own", at: entry.key.mark)
        default: return false
        }
        return true
    }

    private mutating func put(_ kind: ComponentKind, _ entry: Node.Entry, _ values: Node.Mapping, as id: String) {
        var entry = entry
        entry.value = values.entries.isEmpty ? .null(at: entry.key.mark) : .mapping(values)
        keep(kind, entry, as: id)
    }

    /// An id of a type that no component has, in the source or in the result.
    private func unused(_ kind: ComponentKind, _ type: String, _ name: String) -> String {
        let taken = Set((source[kind.rawValue]?.mapping?.entries ?? []).map(\.key.text))
            .union((sections[kind]?.entries ?? []).map(\.key.text))
        var id = name.isEmpty ? type : "\(type)/\(name)"
        var number = 2
        while taken.contains(id) {
            id = "\(type)/\(name.isEmpty ? "" : "\(name)_")\(number)"
            number += 1
        }
        return id
    }

    private mutating func replaceMemoryLimiter(_ values: Node.Mapping, _ entry: Node.Entry, _ subject: String) {
        for other in values.entries where other.key.text != "limit_mib" {
            note(.dropped, "\(subject) \(other.key.text)", "service.memory_limit is one size", at: other.key.mark)
        }
        guard let limit = values.entry("limit_mib"), let mebibytes = limit.value.scalar?.text,
            mebibytes.contains("${") || Int(mebibytes).map({ $0 > 0 }) == true
        else {
            let reason =
                "service.memory_limit bounds what requests hold; its default is used, because no limit_mib says how much"
            note(.replaced, subject, reason, at: entry.key.mark)
            return
        }
        service["memory_limit"] = .scalar(Scalar("\(mebibytes)MiB", mark: limit.value.mark))
        note(.replaced, subject, "service.memory_limit: \(mebibytes)MiB", at: entry.key.mark)
    }

    private static let overHTTP = "otlp_http sends the same over HTTP"

    /// Makes the values of an exporter over gRPC those of one over HTTP; returns what to say about the address.
    private mutating func overHTTP(_ values: inout Node.Mapping, _ id: String) -> String {
        guard let endpoint = values["endpoint"]?.scalar else { return "" }
        let isPlain = values["tls"]?["insecure"]?.scalar?.resolved == .boolean(true)
        var text = endpoint.text
        for scheme in ["dns:///", "dns://", "passthrough:///"] where text.hasPrefix(scheme) {
            text = String(text.dropFirst(scheme.count))
        }
        var scheme = ""
        if !text.hasPrefix("http://"), !text.hasPrefix("https://") { scheme = isPlain ? "http://" : "https://" }
        var remark = ", usually to port 4318; look at the address"
        if text.hasPrefix("${"), text.hasSuffix("}"), text.dropFirst().firstRange(of: "${") == nil {
            remark = "; \(scheme) is in front of the value of \(text), which is host:port, usually with port 4318"
        }
        let port = "4317"
        if text.hasSuffix(":\(port)") {
            grpcAddresses[id] = Scalar(scheme + text, style: .quoted, mark: endpoint.mark)
            text = String(text.dropLast(port.count)) + "4318"
            remark = ", to port 4318 in place of 4317"
        }
        values["endpoint"] = .scalar(Scalar(scheme + text, style: .quoted, mark: endpoint.mark))
        return remark
    }

    /// Leaves an exporter at its port where port 4318 of that host is a listener of this configuration: an agent beside its backend.
    private mutating func keepPorts() {
        guard !grpcAddresses.isEmpty, let graph = judge() else { return }
        let listeners = ComponentKind.allCases.flatMap { graph.used($0) }.flatMap(\.config.resources).compactMap {
            if case .endpoint(let listener) = $0.kind { listener } else { nil as Endpoint? }
        }
        for exporter in graph.used(.exporter) {
            let id = exporter.id.description
            guard let address = grpcAddresses[id] else { continue }
            let isOwn = exporter.config.resources.contains { resource in
                guard case .destination(let destination, _) = resource.kind else { return false }
                return listeners.contains { Whereabouts.unknown.reaches($0, at: destination) }
            }
            guard isOwn, var values = sections[.exporter]?[id]?.mapping else { continue }
            values["endpoint"] = .scalar(address)
            sections[.exporter]?[id] = .mapping(values)
            let old = ids[.exporter]?.first { $0.value == id }?.key ?? id
            for index in remarks.indices where remarks[index].subject == "exporter \(old)" {
                remarks[index].reason =
                    Self.overHTTP
                    + ", still to port 4317, because 4318 is a listener of this configuration; write the port at which the destination takes OTLP over HTTP"
            }
        }
    }
}

// MARK: - Service

extension Conversion {
    private mutating func convertService() {
        guard let written = source["service"]?.mapping else { return }
        for entry in written.entries {
            switch entry.key.text {
            case "extensions":
                let names = members(entry.value, .extension)
                if !names.isEmpty { service["extensions"] = list(names, entry.value.mark) }
            case "pipelines":
                var pipelines = Node.Mapping(mark: entry.value.mark)
                for pipeline in entry.value.mapping?.entries ?? [] { convertPipeline(pipeline, into: &pipelines) }
                service["pipelines"] = .mapping(pipelines)
            default: service[entry.key.text] = entry.value
            }
        }
    }

    /// The components of a list by their new ids, each once.
    private func members(_ node: Node?, _ kind: ComponentKind) -> [String] {
        var names: [String] = []
        for element in node?.sequence?.elements ?? [] {
            guard let old = element.scalar?.text else { continue }
            let new = ids[kind]?[old] ?? .some(old)
            let isKept = sections[kind]?[new ?? ""] != nil || sections[.connector]?[new ?? ""] != nil
            if let new, !names.contains(new), isKept { names.append(new) }
        }
        return names
    }

    private func list(_ names: [String], _ mark: Mark) -> Node {
        .sequence(Node.Sequence(names.map { .scalar(Scalar($0, mark: mark)) }, mark: mark))
    }

    private mutating func convertPipeline(_ entry: Node.Entry, into pipelines: inout Node.Mapping) {
        let name = entry.key.text
        guard Signal(rawValue: String(name.prefix { $0 != "/" })) != nil else {
            note(.dropped, "pipeline \(name)", "this signal is not known here", at: entry.key.mark)
            return
        }
        let receivers = members(entry.value["receivers"], .receiver)
        guard !receivers.isEmpty else {
            note(.dropped, "pipeline \(name)", "none of its receivers is here", at: entry.key.mark)
            return
        }
        let exporters = members(entry.value["exporters"], .exporter)
        for element in entry.value["processors"]?.sequence?.elements ?? [] {
            guard let id = element.scalar?.text, let batch = batching[id] else { continue }
            if gather(as: batch, in: exporters) { gathered.insert(id) }
        }
        for other in entry.value.mapping?.entries ?? []
        where !["receivers", "processors", "exporters"].contains(other.key.text) {
            note(.dropped, "pipeline \(name) \(other.key.text)", "pipelines have no such key", at: other.key.mark)
        }
        var pipeline = Node.Mapping(mark: entry.value.mark)
        pipeline["receivers"] = list(receivers, entry.key.mark)
        let processors = members(entry.value["processors"], .processor)
        if !processors.isEmpty { pipeline["processors"] = list(processors, entry.key.mark) }
        pipeline["exporters"] = list(exporters, entry.key.mark)
        pipelines[name] = .mapping(pipeline)
        note(.kept, "pipeline \(name)", at: entry.key.mark)
    }

    private static let batchKeys = [
        ("timeout", "flush_timeout"), ("send_batch_size", "min_size"), ("send_batch_max_size", "max_size"),
    ]

    /// Lets exporters that send gather requests as a `batch` processor in front of them did, where they do not say it themselves; returns
    /// whether one of them does.
    private mutating func gather(as batch: Node.Mapping, in exporters: [String]) -> Bool {
        var values = Node.Mapping(mark: batch.mark)
        for (key, ours) in Self.batchKeys { if let value = batch[key] { values[ours] = value } }
        guard !values.entries.isEmpty else { return false }
        // Their sizes count records.
        values["sizer"] = .scalar(Scalar("items", mark: batch.mark))
        var isGathered = false
        for id in exporters where ComponentID(id).map({ ["otlp_http", "otlphttp"].contains($0.type) }) == true {
            guard var section = sections[.exporter], let old = section[id] else { continue }
            var exporter = old.mapping ?? Node.Mapping(mark: old.mark)
            var queue = exporter["sending_queue"]?.mapping ?? Node.Mapping(mark: batch.mark)
            guard queue["batch"] == nil else { continue }
            queue["batch"] = .mapping(values)
            exporter["sending_queue"] = .mapping(queue)
            section[id] = .mapping(exporter)
            sections[.exporter] = section
            isGathered = true
        }
        return isGathered
    }

    /// Says what became of each key of the `batch` processors.
    private mutating func noteBatching() {
        for (id, values) in batching.sorted(by: { $0.key < $1.key }) {
            for entry in values.entries {
                let subject = "processor \(id) \(entry.key.text)"
                guard let ours = Self.batchKeys.first(where: { $0.0 == entry.key.text })?.1 else {
                    note(.dropped, subject, "sending_queue.batch has no such key", at: entry.key.mark)
                    continue
                }
                if gathered.contains(id) {
                    note(.replaced, subject, "sending_queue.batch.\(ours)", at: entry.key.mark)
                } else {
                    let reason = "no exporter behind it sends, or each of them has a sending_queue.batch of its own"
                    note(.dropped, subject, reason, at: entry.key.mark)
                }
            }
        }
    }
}

// MARK: - Additions

extension Conversion {
    private mutating func add(_ kind: ComponentKind, _ id: String, _ value: Node? = nil) {
        guard sections[kind]?[id] == nil else { return }
        let value = value ?? .null(at: source.mark)
        sections[kind, default: Node.Mapping(mark: source.mark)][id] = value
    }

    /// Adds what finds calls, prices them, keeps them and answers for them, unless the source has a store.
    private mutating func addStore() {
        let isStored = (sections[.exporter]?.entries ?? []).contains { entry in
            !stores.contains(entry.key.text)
                && ComponentID(entry.key.text).flatMap { registry.factory(.exporter, $0.type) }?.isStore == true
        }
        guard !isStored, registry.factory(.exporter, "sqlite") != nil, registry.factory(.extension, "hub") != nil,
            case .mapping(var pipelines)? = service["pipelines"], !pipelines.entries.isEmpty
        else { return }
        let used = Set(
            pipelines.entries.flatMap { $0.value["exporters"]?.sequence?.elements ?? [] }.map(\.scalar?.text)
        )
        let store = stores.first { used.contains($0) } ?? "sqlite"
        add(.processor, "tokens")
        add(.processor, "pricing")
        if store == "sqlite" { add(.exporter, store) }
        for entry in pipelines.entries {
            var pipeline = entry.value.mapping ?? Node.Mapping(mark: entry.value.mark)
            for (key, added) in [("processors", ["tokens", "pricing"]), ("exporters", [store])] {
                var names = (pipeline[key]?.sequence?.elements ?? []).compactMap { $0.scalar?.text }
                names += added.filter { !names.contains($0) }
                pipeline[key] = list(names, entry.key.mark)
            }
            pipelines[entry.key.text] = .mapping(pipeline)
        }
        service["pipelines"] = .mapping(pipelines)
        let isThere = (sections[.extension]?.entries ?? []).contains { ComponentID($0.key.text)?.type == "hub" }
        if !isThere {
            add(.extension, "hub", hub(of: store))
            nameExtension("hub")
        }
        if store == "sqlite" {
            let reason = "they find, price and keep calls, and answer for them"
            note(.added, "tokens, pricing, sqlite and hub", reason, at: nil)
        } else {
            let reason = "they find and price calls, which \(store) keeps from every pipeline, and answer for them"
            note(.added, "tokens, pricing and hub", reason, at: nil)
        }
    }

    /// The hub shares the address of the receiver, so that one port does for all.
    private func hub(of store: String) -> Node? {
        var hub = Node.Mapping(mark: source.mark)
        if let http = sections[.receiver]?["otlp"]?["protocols"]?["http"], let endpoint = http["endpoint"] {
            hub["endpoint"] = endpoint
            if let tls = http["tls"], !tls.isNull { hub["tls"] = tls }
        }
        if store != "sqlite" { hub["store"] = .scalar(Scalar(store, mark: source.mark)) }
        return hub.entries.isEmpty ? nil : .mapping(hub)
    }

    private mutating func nameExtension(_ id: String) {
        var names = (service["extensions"]?.sequence?.elements ?? []).compactMap { $0.scalar?.text }
        if !names.contains(id) { names.append(id) }
        service["extensions"] = list(names, source.mark)
    }

    /// Lets an address of the network ask for keys, which is the only way to open one here.
    private mutating func addKeys() {
        guard registry.factory(.extension, "api_keys") != nil, !isAuthenticated else { return }
        let open = diagnosed().first { $0.code == "open-listener" }
        guard let open else { return }
        add(.extension, "api_keys")
        nameExtension("api_keys")
        note(.added, "api_keys", "\(open.message); hammurabi keys create makes the keys that senders need", at: nil)
    }

    private var isAuthenticated: Bool {
        (service["extensions"]?.sequence?.elements ?? []).contains { element in
            let type = element.scalar.flatMap { ComponentID($0.text) }?.type
            return type.flatMap { registry.factory(.extension, $0) }?.isAuthenticator == true
        }
    }
}

// MARK: - Repair

extension Conversion {
    private static let name = "converted"
    /// More faults than this are not mended one by one.
    private static let mostRepairs = 500

    /// What is wrong with the result, whatever the environment has.
    private mutating func diagnosed() -> [Diagnostic] {
        judge()
        return diagnostics.items.filter { $0.severity == .error }
    }

    /// The graph of the result; what is wrong with it is kept.
    @discardableResult private mutating func judge() -> PipelineGraph? {
        var found = Diagnostics()
        let file = SourceFile(name: Self.name, text: text)
        guard let node = Node(parsing: file, diagnostics: &found) else {
            diagnostics = found
            return nil
        }
        var values = AssumedValues(node)
        let checked = values.check(file, registry: registry)
        found.append(contentsOf: checked.diagnostics.items)
        diagnostics = found
        return checked.graph
    }

    /// Drops what this program does not understand, one fault after the other, until nothing is wrong.
    private mutating func repair() {
        for _ in 0..<Self.mostRepairs {
            var ignored = Diagnostics()
            guard let fault = diagnosed().first, let mark = fault.mark,
                let written = Node(parsing: SourceFile(name: Self.name, text: text), diagnostics: &ignored),
                let path = written.path(to: mark), path.count > 1
            else { return }
            let help = fault.help.map { "; \($0)" } ?? ""
            note(.dropped, path.joined(separator: "."), fault.message + help, at: origin(of: path))
            remove(path)
        }
    }

    private mutating func remove(_ path: [String]) {
        let rest = Array(path.dropFirst())
        if path[0] == "service" {
            service = Node.mapping(service).removing(rest).mapping ?? service
        } else if let kind = ComponentKind(rawValue: path[0]), let section = sections[kind] {
            sections[kind] = Node.mapping(section).removing(rest).mapping ?? section
        }
    }

    /// Where a part of the result was written, or what is nearest to it.
    private func origin(of path: [String]) -> Mark? {
        var path = path
        if path.count > 1, let kind = ComponentKind(rawValue: path[0]),
            let old = ids[kind]?.first(where: { $0.value == path[1] })?.key
        {
            path[1] = old
        }
        var (node, mark) = (source, nil as Mark?)
        for key in path {
            guard let entry = node.mapping?.entry(key) else { break }
            (node, mark) = (entry.value, entry.key.mark)
        }
        return mark
    }
}

extension Node {
    /// The keys that lead to what has a mark, its key or its value; the deepest where several have it.
    fileprivate func path(to mark: Mark) -> [String]? {
        switch self {
        case .scalar: return nil
        case .sequence(let sequence):
            for (position, element) in sequence.elements.enumerated() {
                if let rest = element.path(to: mark) { return ["\(position)"] + rest }
                if element.mark.isPlace(mark) { return ["\(position)"] }
            }
        case .mapping(let mapping):
            for entry in mapping.entries {
                if entry.key.mark.isPlace(mark) { return [entry.key.text] }
                if let rest = entry.value.path(to: mark) { return [entry.key.text] + rest }
                if entry.value.mark.isPlace(mark) { return [entry.key.text] }
            }
        }
        return nil
    }

    fileprivate func removing(_ path: [String]) -> Node {
        guard let first = path.first else { return self }
        switch self {
        case .mapping(var mapping):
            if path.count == 1 {
                mapping[first] = nil
            } else if let value = mapping[first] {
                mapping[first] = value.removing(Array(path.dropFirst()))
            }
            return .mapping(mapping)
        case .sequence(var sequence):
            guard let position = Int(first), sequence.elements.indices.contains(position) else { return self }
            if path.count == 1 {
                sequence.elements.remove(at: position)
            } else {
                sequence.elements[position] = sequence.elements[position].removing(Array(path.dropFirst()))
            }
            return .sequence(sequence)
        case .scalar: return self
        }
    }
}

extension Mark {
    fileprivate func isPlace(_ other: Mark) -> Bool { (line, column) == (other.line, other.column) }
}
