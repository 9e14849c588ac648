// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import HTTPTypes

/// Finds the route of a request among all routes of a listener.
package struct RouteTable: Sendable {
    private var fixed: [String: [Route]] = [:]
    private var patterns: [(segments: [Substring], route: Route)] = []

    /// The result for a request.
    package enum Match {
        case route(Route, parameters: [String: String])
        /// The path has routes, but for other methods.
        case otherMethods([Route])
        case nothing

        /// The route that answers, or one of the path.
        var route: Route? {
            switch self {
            case .route(let route, _): route
            case .otherMethods(let routes): routes.first
            case .nothing: nil
            }
        }
    }

    /// Creates a table.
    ///
    /// - Throws: ``StartError`` when two components have the same method and path.
    package init(_ routes: [Route]) throws(StartError) {
        // Routes that yield come last, and only where no other route answers.
        for route in routes.filter({ !$0.givesWay }) + routes.filter(\.givesWay) {
            let segments = Self.segments(route.path)
            let path = Self.normalized(route.path)
            if segments.contains(where: Self.isParameter) {
                let shape = Self.shape(segments)
                let isTaken = patterns.contains { $0.route.method == route.method && Self.shape($0.segments) == shape }
                if isTaken, route.givesWay { continue }
                if isTaken { throw Self.conflict(route.method, path) }
                patterns.append((segments, route))
            } else {
                let isTaken = fixed[path]?.contains { $0.method == route.method } == true
                if isTaken, route.givesWay { continue }
                if isTaken { throw Self.conflict(route.method, path) }
                fixed[path, default: []].append(route)
            }
        }
    }

    private static func conflict(_ method: HTTPRequest.Method, _ path: String) -> StartError {
        StartError(
            .configuration,
            "two components answer \(method) \(path) on one endpoint; give one of them another endpoint or path"
        )
    }

    /// The paths without parameters, sorted: those with the same beginning as a path, else all except plain files.
    func paths(like path: String) -> [String] {
        let first = Self.segments(path).first
        let near = fixed.keys.filter { first != nil && Self.segments($0).first == first }
        let all = fixed.filter { $0.key == "/" || !$0.key.contains(".") }.keys
        return (near.isEmpty ? Array(all) : near).sorted()
    }

    /// Finds the route; HEAD is answered by the route for GET.
    package func match(_ method: HTTPRequest.Method, _ target: String) -> Match {
        // Usually the target is a path as it was declared.
        let path = fixed[target] == nil ? Self.normalized(target.prefix { $0 != "?" }) : target
        if let routes = fixed[path] {
            if let route = Self.route(for: method, among: routes) { return .route(route, parameters: [:]) }
            return .otherMethods(routes)
        }
        let segments = Self.segments(path)
        var others: [Route] = []
        for (pattern, route) in patterns where pattern.count == segments.count {
            guard let parameters = Self.parameters(pattern, segments) else { continue }
            if Self.route(for: method, among: [route]) != nil { return .route(route, parameters: parameters) }
            others.append(route)
        }
        return others.isEmpty ? .nothing : .otherMethods(others)
    }

    private static func route(for method: HTTPRequest.Method, among routes: [Route]) -> Route? {
        routes.first { $0.method == method } ?? (method == .head ? routes.first { $0.method == .get } : nil)
    }

    /// Removes a slash at the end.
    private static func normalized(_ path: some StringProtocol) -> String {
        path.hasSuffix("/") && path != "/" ? String(path.dropLast()) : String(path)
    }

    private static func segments(_ path: String) -> [Substring] { path.split(separator: "/") }

    /// A pattern without the names of its parameters.
    private static func shape(_ segments: [Substring]) -> [Substring] { segments.map { isParameter($0) ? "{}" : $0 } }

    private static func isParameter(_ segment: Substring) -> Bool { segment.hasPrefix("{") && segment.hasSuffix("}") }

    private static func parameters(_ pattern: [Substring], _ segments: [Substring]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (expected, given) in zip(pattern, segments) {
            if isParameter(expected) {
                parameters[String(expected.dropFirst().dropLast())] = PercentEncoding.decode(given)
            } else if expected != given {
                return nil
            }
        }
        return parameters
    }
}
