// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import OTLP

/// A component that answers HTTP requests; the collector opens one listener for all that name the same endpoint.
public protocol HTTPServing: Component {
    /// Where it wants to be reached.
    var endpoint: Endpoint { get }
    /// What it answers.
    var routes: [Route] { get }
    /// What it asks of the connections of its clients.
    var connectionTerms: ConnectionTerms { get }
    /// With what it wants to be reached over HTTPS; nil for plain HTTP.
    var tls: TLSConfig? { get }
}

extension HTTPServing {
    /// Itself.
    public var httpServing: (any HTTPServing)? { self }
    /// What the listener does by itself.
    public var connectionTerms: ConnectionTerms { ConnectionTerms() }
    /// Plain HTTP.
    public var tls: TLSConfig? { nil }
}

/// A method and a path, and what answers there.
public struct Route: Sendable {
    /// The method.
    public let method: HTTPRequest.Method
    /// The path; a segment in braces, such as `{id}`, matches any segment and is handed to the handler by its name.
    public let path: String
    /// What the sender must be allowed to do.
    public let access: Access
    /// The form of what the listener itself has to say about requests for this path.
    public let failureForm: FailureForm
    /// Whether web pages of an origin may send here; those that the collector serves itself always may.
    public let allowsOrigin: (@Sendable (String) -> Bool)?
    /// Whether a program may call this machine by the name in a Host field where no keys are asked for, beside its loopback names.
    ///
    /// It is asked only for OTLP bodies without the fields that browsers add: a web page under a name that it made mean this machine
    /// sends an Origin field with each POST.
    public let allowsHost: (@Sendable (String) -> Bool)?
    /// Whether requests bring telemetry, so that one which is refused loses some: the collector logs and lists it then.
    public let takesTelemetry: Bool
    /// Whether a key may also come as the password of basic authentication, whose user name is not looked at.
    ///
    /// Only for paths that read no body a web page could post without being asked: browsers add these credentials by themselves.
    public let acceptsBasicAuthentication: Bool
    /// Whether the route is left out where another component of the same endpoint answers its path, instead of being an error.
    public let givesWay: Bool
    /// Answers a request; an error that it throws becomes an answer with status 500.
    public let handler: @Sendable (ServerRequest) async throws -> ServerResponse

    /// Creates a route; whoever asks with GET or HEAD must be allowed to read, anybody else to write, unless `access` says otherwise.
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

    /// The same route with another handler.
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

/// The form in which the clients of a path expect failures.
public enum FailureForm: Sendable {
    /// A JSON object with `error` and `status`.
    case object
    /// google.rpc.Status in the encoding of the request, as OTLP wants it.
    case status
}

/// A request whose body may still be on its way.
public struct ServerRequest: Sendable {
    /// Method, path and header fields.
    public let head: HTTPRequest
    /// The values of the path's segments in braces, decoded.
    public let parameters: [String: String]
    /// The body.
    public let body: RequestBody
    /// The memory that the request may take up beyond its body as it was sent; nil without a limit.
    public let memory: (any MemoryAllowance)?
    /// What the key of the request allows; everything where no keys are asked for.
    ///
    /// An answer must not show more than this.
    public let permissions: Permissions
    /// How much may be done where the handler was started; nil for any work.
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
    /// A page of another site can make a browser post forms and plain text without asking, but not this type.
    public var declaresJSON: Bool {
        guard let field = head.headerFields[.contentType] else { return false }
        let type = field.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        return type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }

    /// The values of the query, decoded; of several with one name the last.
    public var query: [String: String] {
        guard let path = head.path, let mark = path.firstIndex(of: "?") else { return [:] }
        return PercentEncoding.query(path[path.index(after: mark)...])
    }
}

/// An answer.
public struct ServerResponse: Sendable {
    /// Status and header fields.
    public var head: HTTPResponse
    /// What follows.
    public var body: Body
    /// Fields that follow the body; sent over HTTP/2 alone.
    public var trailers: HTTPFields?
    /// Why the request was not taken; nil where it was, or where the status alone says it.
    public var rejection: Rejection?

    /// Creates an answer.
    public init(_ status: HTTPResponse.Status, _ fields: HTTPFields = [:], body: Body = .bytes([])) {
        head = HTTPResponse(status: status, headerFields: fields)
        self.body = body
    }

    /// What an answer carries.
    public enum Body: Sendable {
        /// All of it at once.
        case bytes([UInt8])
        /// Piece by piece, as long as the reader stays.
        case stream(any AsyncSequence<[UInt8], any Error> & Sendable)
    }
}
