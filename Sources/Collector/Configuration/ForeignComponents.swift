// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// What to do about components of the OpenTelemetry Collector that this program does not have.
///
/// Configurations are carried over from there, so an unknown type is more often a known one of theirs than a slip.
struct ForeignComponents {
    let registry: Registry

    /// Returns what to write instead of a type of this kind; nil when the type is not known from there.
    func advice(_ kind: ComponentKind, _ type: String) -> String? {
        if let note = Self.needless[kind]?[type] {
            let places = kind == .extension ? "service.extensions" : "the pipelines"
            return "\(note); remove it here and in \(places)"
        }
        guard let substitutes = Self.substitutes[kind]?[type] else { return nil }
        guard let substitute = substitutes.first(where: { registry.factory(kind, $0) != nil }) else {
            return "there is nothing like it here yet; remove it"
        }
        return "use \(substitute), which does that here"
    }

    private static let needless: [ComponentKind: [String: String]] = [
        .processor: [
            "batch": "requests are stored as they arrive, nothing has to be gathered first",
            "memory_limiter": "service.memory_limit bounds what requests in flight take up",
            "resourcedetection": "senders name their resource themselves",
        ],
        .extension: [
            "file_storage": "what is acknowledged is on disk already",
            "pprof": "there is no profiler to attach",
            "zpages": "hammurabi summary and the query API show what comes in",
        ],
    ]

    /// The types that do the same, the best one first; an empty list says that none will.
    private static let substitutes: [ComponentKind: [String: [String]]] = [
        .receiver: [
            "filelog": ["agent_sessions"], "jaeger": [], "prometheus": [], "hostmetrics": [], "zipkin": [], "kafka": [],
        ],
        .processor: [
            "resource": ["attributes"], "transform": ["attributes"], "probabilistic_sampler": ["filter"],
            "tail_sampling": ["filter"],
        ],
        .exporter: [
            "debug": ["stdout"], "logging": ["stdout"], "file": ["jsonl", "sqlite"], "otlp": ["otlp_http"],
            "otlp_grpc": ["otlp_http"], "otlp_http": [], "otlphttp": [], "prometheus": [], "prometheusremotewrite": [],
            "nop": [],
        ],
        .extension: ["basicauth": ["api_keys"], "bearertokenauth": ["api_keys"]],
    ]
}
