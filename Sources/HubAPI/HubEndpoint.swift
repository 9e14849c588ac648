// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// A request to the hub: its method and path, and the type of the answer's document.
package struct HubEndpoint<Document: Codable & Sendable>: Sendable {
    package let method: HTTPRequest.Method
    /// Such as `/api/telemetry/summary`; a part in braces is a parameter.
    package let path: String
    /// Whether the path names one of many things, so that 404 means an unknown name.
    package let hasParameter: Bool

    private init(_ method: HTTPRequest.Method, _ path: String, hasParameter: Bool = false) {
        (self.method, self.path, self.hasParameter) = (method, path, hasParameter)
    }

    /// The method as a word, such as `GET`.
    package var verb: String { method.rawValue }

    /// The request with its parameter, which must be percent-encoded.
    package func at(_ parameter: String) -> Self {
        Self(method, path.replacing(#/\{.*\}/#, with: parameter), hasParameter: true)
    }
}

extension HubEndpoint where Document == HealthDocument {
    package static var health: Self { Self(.get, "/api/health") }
}

extension HubEndpoint where Document == SummaryDocument {
    package static var summary: Self { Self(.get, "/api/telemetry/summary") }
}

extension HubEndpoint where Document == BlocksDocument {
    package static var blocks: Self { Self(.get, "/api/telemetry/blocks") }
}

extension HubEndpoint where Document == CompareDocument {
    package static var compare: Self { Self(.get, "/api/telemetry/compare") }
}

extension HubEndpoint where Document == StatusLineDocument {
    package static var statusLine: Self { Self(.get, "/api/telemetry/statusline") }
}

extension HubEndpoint where Document == QualityDocument {
    package static var quality: Self { Self(.get, "/api/telemetry/quality") }
}

extension HubEndpoint where Document == SessionsDocument {
    package static var sessions: Self { Self(.get, "/api/telemetry/sessions") }
}

extension HubEndpoint where Document == SessionDetailDocument {
    package static var session: Self { Self(.get, "/api/telemetry/sessions/{id}", hasParameter: true) }
}

extension HubEndpoint where Document == PricesDocument {
    package static var prices: Self { Self(.get, "/api/telemetry/prices") }
}

extension HubEndpoint where Document == BudgetsDocument {
    package static var budgets: Self { Self(.get, "/api/telemetry/budgets") }
}

extension HubEndpoint where Document == AlertsDocument {
    package static var alerts: Self { Self(.get, "/api/telemetry/alerts") }
}

extension HubEndpoint where Document == AlertTestDocument {
    package static var alertTest: Self { Self(.post, "/api/telemetry/alerts/{name}/test", hasParameter: true) }
}

extension HubEndpoint where Document == PipelinesDocument {
    package static var pipelines: Self { Self(.get, "/api/telemetry/pipelines") }
    /// The same document from the extension `health_check`, for a collector without a hub.
    package static var status: Self { Self(.get, "/status") }
}

extension HubEndpoint where Document == CompactionDocument {
    package static var compact: Self { Self(.post, "/api/telemetry/compact") }
}

extension HubEndpoint where Document == ScanDocument {
    package static var scan: Self { Self(.post, "/api/telemetry/scan") }
}

extension HubEndpoint where Document == RepricingDocument {
    package static var reprice: Self { Self(.post, "/api/telemetry/reprice") }
}

extension HubEndpoint where Document == ReloadDocument {
    package static var reload: Self { Self(.post, "/api/reload") }
}
