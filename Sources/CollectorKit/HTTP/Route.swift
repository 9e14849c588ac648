// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import OTLP

/// A component that answers HTTP requests; the collector opens one listener for all components with the same endpoint.
public protocol HTTPServing: Component {
    /// The address to listen on.
    var endpoint: Endpoint { get }
    /// Its routes.
    var routes: [Route] { get }
    /// Its settings for the connections of clients.
    var connectionTerms: ConnectionTerms { get }
    /// The settings for HTTPS; nil for plain HTTP.
    var tls: TLSConfig? { get }
    /// All its addresses with what is answered at each; one that is made of the other properties, unless it says otherwise.
    var sites: [HTTPSite] { get }
}

/// An address of a component, and what is answered there.
public struct HTTPSite: Sendable {
    /// Where it is.
    public let endpoint: Endpoint
    /// What is answered.
    public let routes: [Route]
    /// What is asked of the connections of clients.
    public let connectionTerms: ConnectionTerms
    /// HTTPS; nil for plain HTTP.
    public let tls: TLSConfig?
    /// Whether all of it is answered at another address of the component, too.
    ///
    /// The collector starts without such an address when another program has it, and says so.
    public let isSpare: Bool

    /// Creates a site.
    public init(
        _ endpoint: Endpoint,
        _ routes: [Route],
        _ connectionTerms: ConnectionTerms = ConnectionTerms(),
        tls: TLSConfig? = nil,
        isSpare: Bool = false
    ) {
        self.endpoint = endpoint
        self.routes = routes
        self.connectionTerms = connectionTerms
        self.tls = tls
        self.isSpare = isSpare
    }
}

extension HTTPServing {
    /// Itself.
    public var httpServing: (any HTTPServing)? { self }
    /// The listener's defaults.
    public var connectionTerms: ConnectionTerms { ConnectionTerms() }
    /// Plain HTTP.
    public var tls: TLSConfig? { nil }
    /// The one address.
    public var sites: [HTTPSite] { [HTTPSite(endpoint, routes, connectionTerms, tls: tls)] }
}

/// A method and a path with their handler.
public struct Route: Sendable {
    /// The method.
    public let method: HTTPRequest.Method
    /// The path; a segment in braces, such as `{id}`, matches any segment and is passed to the handler by its name.
    public let path: String
    /// The permission that the sender needs.
    public let access: Access
    /// The format of the listener's own errors for this path.
    public let failureForm: FailureForm
    /// Whether web pages of an origin may send here; pages of the collector itself always may.
    public let allowsOrigin: (@Sendable (String) -> Bool)?
    /// Whether programs may use the name in a Host field for this machine when no keys are required, in addition to its loopback names.
    ///
    /// Called only for OTLP bodies without the fields that browsers add: a web page whose name resolves to this machine sends an Origin
    /// field with each POST.
    public let allowsHost: (@Sendable (String) -> Bool)?
    /// Whether requests carry telemetry, so that a refused one loses some: the collector then logs and lists the problem.
    public let takesTelemetry: Bool
    /// Whether a key may also be the password of basic authentication, whose user name is ignored.
    ///
    /// Only for paths whose bodies a web page cannot post without a preflight: browsers add these credentials by themselves.
    public let acceptsBasicAuthentication: Bool
    /// Whether the route is left out, instead of being an error, when another component of the same endpoint has its path.
    public let givesWay: Bool
    /// Answers a request; an error becomes an answer with status 500.
    public let handler: @Sendable (ServerRequest) async throws -> ServerResponse

    /// Creates a route; GET and HEAD require the permission to read, other methods that to write, unless `access` says otherwise.
    public init(
        _ method: HTTPRequest.Method,
        _ path: String,
        access: Access? = nil,
        failureForm: FailureForm = .object,
        allowsOrigin: (@Sendable (String) -> Bool)? = nil,
        allowsHost: (@Sendable (String) -> Bool)? = nil,
        takesTelemetry: Bool = false,
        acceptsBasicAuthentication: Bool = false,
        givesWay: Bool = false,
        handler: @escaping @Sendable (ServerRequest) async throws -> ServerResponse
    ) {
        self.method = method
        self.path = path
        self.access = access ?? (method == .get || method == .head ? .read : .write)
        self.failureForm = failureForm
        self.allowsOrigin = allowsOrigin
        self.allowsHost = allowsHost
        self.takesTelemetry = takesTelemetry
        self.acceptsBasicAuthentication = acceptsBasicAuthentication
        self.givesWay = givesWay
        self.handler = handler
    }

    /// The route with another handler.
    public func answering(with handler: @escaping @Sendable (ServerRequest) async throws -> ServerResponse) -> Route {
        Route(
            method,
            path,
            access: access,
            failureForm: failureForm,
            allowsOrigin: allowsOrigin,
            allowsHost: allowsHost,
            takesTelemetry: takesTelemetry,
            acceptsBasicAuthentication: acceptsBasicAuthentication,
            givesWay: givesWay,
            handler: handler
        )
    }
}

/// The format of errors that the clients of a path expect.
public enum FailureForm: Sendable {
    /// A JSON object with `error` and `status`.
    case object
    /// google.rpc.Status in the encoding of the request, as OTLP requires.
    case status
}

/// A request whose body may still be arriving.
public struct ServerRequest: Sendable {
    /// Method, path and header fields.
    public let head: HTTPRequest
    /// The values of the path's segments in braces, decoded.
    public let parameters: [String: String]
    /// The body.
    public let body: RequestBody
    /// The memory that the request may use in addition to its body; nil without a limit.
    public let memory: (any MemoryAllowance)?
    /// The permissions of the request's key; all when no keys are required.
    ///
    /// An answer must not contain more than they allow.
    public let permissions: Permissions
    /// How much work may be done on the calling thread; nil for any amount.
    public let shortWork: ShortWork?
    /// Who sent it, for processors that make attributes of that.
    public let client: ClientContext

    /// Creates a request.
    public init(
        head: HTTPRequest,
        parameters: [String: String] = [:],
        body: RequestBody = RequestBody(bytes: []),
        memory: (any MemoryAllowance)? = nil,
        permissions: Permissions = .all,
        shortWork: ShortWork? = nil,
        client: ClientContext? = nil
    ) {
        self.client = client ?? ClientContext(fields: head.headerFields)
        self.head = head
        self.parameters = parameters
        self.body = body
        self.memory = memory
        self.permissions = permissions
        self.shortWork = shortWork
    }

    /// Whether the request declares its body to be JSON (`application/json` or a type that ends in `+json`).
    ///
    /// A page of another site can make a browser post forms and plain text without a preflight, but not this type.
    public var declaresJSON: Bool {
        guard let field = head.headerFields[.contentType] else { return false }
        let type = field.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        return type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }

    /// The decoded values of the query; of duplicates the last one.
    public var query: [String: String] {
        guard let path = head.path, let mark = path.firstIndex(of: "?") else { return [:] }
        return PercentEncoding.query(path[path.index(after: mark)...])
    }
}

/// An answer.
public struct ServerResponse: Sendable {
    /// Status and header fields.
    public var head: HTTPResponse
    /// The body.
    public var body: Body
    /// Fields after the body; sent only over HTTP/2.
    public var trailers: HTTPFields?
    /// Why the request was refused; nil when it was accepted, or when the status says enough.
    public var rejection: Rejection?

    /// Creates an answer.
    public init(_ status: HTTPResponse.Status, _ fields: HTTPFields = [:], body: Body = .bytes([])) {
        head = HTTPResponse(status: status, headerFields: fields)
        self.body = body
    }

    /// The body of an answer.
    public enum Body: Sendable {
        /// All of it at once.
        case bytes([UInt8])
        /// Pieces, sent until the client disconnects.
        case stream(any AsyncSequence<[UInt8], any Error> & Sendable)
    }
}
