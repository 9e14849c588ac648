// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
import Usage

/// A request to the hub: its method and path, and the type of the answer's document.
package struct HubEndpoint<Document: Codable & Sendable>: Sendable {
    package let method: HTTPRequest.Method
    /// Such as `/api/telemetry/summary`; a part in braces is a parameter.
    package let path: String
    /// Whether the path names one of many things, so that 404 means an unknown name.
    package let hasParameter: Bool
    /// The parameters of its query; any other is refused.
    package let parameters: [String]

    private init(
        _ method: HTTPRequest.Method,
        _ path: String,
        hasParameter: Bool = false,
        _ parameters: [String] = []
    ) {
        (self.method, self.path, self.hasParameter, self.parameters) = (method, path, hasParameter, parameters)
    }

    /// The method as a word, such as `GET`.
    package var verb: String { method.rawValue }

    /// The request with its parameter, which must be percent-encoded.
    package func at(_ parameter: String) -> Self {
        Self(method, path.replacing(#/\{.*\}/#, with: parameter), hasParameter: true, parameters)
    }
}

/// The parameters that several requests have in common.
package enum QueryNames {
    /// Those of a period.
    package static let period = ["period", "from", "to", "timezone"]
    /// Those of a filter of calls.
    package static let filter = UsageDimension.allCases.map(\.rawValue)
    /// Those of a summary.
    package static let summary = period + filter + ["previous", "series", "sessions"]
    /// Those of a stream of events: those of its summary, and what it is about.
    package static let stream = summary + ["topics"]
}

extension HubEndpoint where Document == HealthDocument {
    package static var health: Self { Self(.get, "/api/health") }
}

extension HubEndpoint where Document == SummaryDocument {
    package static var summary: Self { Self(.get, "/api/telemetry/summary", QueryNames.summary) }
}

extension HubEndpoint where Document == InsightsDocument {
    package static var insights: Self {
        Self(.get, "/api/telemetry/insights", QueryNames.period + QueryNames.filter + ["series", "hours"])
    }
}

extension HubEndpoint where Document == BlocksDocument {
    package static var blocks: Self {
        Self(
            .get,
            "/api/telemetry/blocks",
            QueryNames.period + QueryNames.filter + ["active", "recent", "hours", "weekStart", "tokenLimit"]
        )
    }
}

extension HubEndpoint where Document == CompareDocument {
    package static var compare: Self {
        Self(.get, "/api/telemetry/compare", QueryNames.period + QueryNames.filter + ["with"])
    }
}

extension HubEndpoint where Document == StatusLineDocument {
    package static var statusLine: Self { Self(.get, "/api/telemetry/statusline", ["session"]) }
    /// The same, with a ``StatusLineReport`` as its body.
    package static var statusLineReport: Self { Self(.post, "/api/telemetry/statusline") }
}

extension HubEndpoint where Document == LimitsDocument {
    package static var limits: Self { Self(.get, "/api/telemetry/limits", ["agent", "machine", "current"]) }
}

extension HubEndpoint where Document == QualityDocument {
    package static var quality: Self { Self(.get, "/api/telemetry/quality", QueryNames.period) }
}

extension HubEndpoint where Document == SessionsDocument {
    package static var sessions: Self {
        Self(
            .get,
            "/api/telemetry/sessions",
            QueryNames.period + QueryNames.filter + ["status", "id", "q", "sort", "order", "limit", "cursor"]
        )
    }
}

extension HubEndpoint where Document == SessionDetailDocument {
    package static var session: Self { Self(.get, "/api/telemetry/sessions/{id}", hasParameter: true) }
}

extension HubEndpoint where Document == CallDetailDocument {
    package static var call: Self {
        Self(.get, "/api/telemetry/calls/{id}", hasParameter: true, ["session"])
    }
}

extension HubEndpoint where Document == PricesDocument {
    package static var prices: Self { Self(.get, "/api/telemetry/prices") }
}

extension HubEndpoint where Document == BudgetsDocument {
    package static var budgets: Self { Self(.get, "/api/telemetry/budgets", ["month", "timezone"]) }
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
