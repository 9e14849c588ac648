// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

/// Lets a reader look at what passes through a component: `GET /api/telemetry/tap/{component}?limit=10`, one OTLP/JSON request a line.
///
/// Samples are taken ten times a second at most; the answer ends with the limit, the component or the reader.
struct TapRoute {
    let state: CollectorState

    static let path = "/api/telemetry/tap/{component}"
    private static let limits = 1...10_000

    var route: Route {
        Route(.get, Self.path) { [state] request in
            let answer = ErrorAnswer(request.head)
            let id = request.parameters["component"].flatMap { ComponentID($0) }
            guard let id, let tap = state.assembly.instances(id).first(where: { $0.kind != .extension })?.tap else {
                return answer.response(.notFound, "no receiver, processor or exporter has this id")
            }
            let limit = request.query["limit"].map { Int($0) } ?? 1_000
            guard let limit, Self.limits.contains(limit) else {
                return answer.response(.badRequest, "limit is a number from 1 to 10000")
            }
            guard let samples = tap.watch(limit: limit) else {
                return answer.response(
                    .serviceUnavailable,
                    "others look at this component already",
                    [.retryAfter: "10"]
                )
            }
            return ServerResponse(
                .ok,
                [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
                body: .stream(samples)
            )
        }
    }
}
