// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Testing

/// The frames and statuses of gRPC as values.
struct GRPCTests {
    @Test func `a body is exactly one message`() throws {
        #expect(try GRPC.message(in: GRPC.frame([4, 5])).bytes == [4, 5])
        #expect(try GRPC.message(in: [1, 0, 0, 0, 1, 9]).isCompressed)
        let whole = GRPC.frame([4, 5])
        let others = (0..<whole.count).map { Array(whole[..<$0]) } + [whole + whole, whole + [0], [2, 0, 0, 0, 0]]
        for body in others {
            #expect(throws: GRPC.FrameError.self) { try GRPC.message(in: body) }
        }
        #expect(throws: GRPC.FrameError.self) { try GRPC.message(in: [0, 255, 255, 255, 255]) }
    }

    @Test(arguments: [
        (400, 3), (401, 16), (403, 7), (404, 12), (405, 12), (408, 4), (413, 8), (415, 12), (421, 7), (429, 14),
        (431, 8), (500, 13), (501, 12), (503, 14), (302, 2),
    ])
    func `an HTTP status is a code of gRPC in the only head`(status: Int, code: Int) {
        let answer = GRPC.answer(ServerResponse(HTTPResponse.Status(code: status)))
        #expect(answer.head.status == .ok)
        #expect(answer.head.headerFields[.grpcStatus] == "\(code)")
        #expect(answer.trailers?.isEmpty == true)
        guard case .bytes(let body) = answer.body else { return #expect(Bool(false), "the answer comes in pieces") }
        #expect(body.isEmpty)
    }

    @Test func `success frames the body, and a stated code goes before the status`() {
        let done = GRPC.answer(ServerResponse(.ok, body: .bytes([8, 1])))
        guard case .bytes(let body) = done.body else { return #expect(Bool(false), "the answer comes in pieces") }
        #expect(body == [0, 0, 0, 0, 2, 8, 1])
        #expect(done.trailers?[.grpcStatus] == "0")
        let stated = GRPC.answer(ServerResponse(.badRequest, [.grpcStatus: "13"]))
        #expect(stated.head.headerFields[.grpcStatus] == "13")
    }

    @Test func `a delay is a RetryInfo, and a message is percent-encoded`() {
        var response = ServerResponse(.serviceUnavailable, [.retryAfter: "5"])
        response.rejection = Rejection(.unavailable, "50 % für später")
        let fields = GRPC.answer(response).head.headerFields
        #expect(fields[.grpcMessage] == "50 %25 f%C3%BCr sp%C3%A4ter")
        // Status{code: 14, message, details: [Any{RetryInfo{retry_delay: Duration{seconds: 5}}}]}.
        #expect(
            fields[.grpcStatusDetails]
                == "CA4SETUwICUgZsO8ciBzcMOkdGVyGjAKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SBAoCCAU"
        )
    }

    @Test(arguments: [
        ("application/grpc", true), ("application/grpc+proto", true), ("application/grpc;charset=utf-8", true),
        ("application/grpc-web", false), ("application/x-protobuf", false),
    ])
    func `a call is known by its content type`(type: String, isCall: Bool) {
        var request = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/")
        request.headerFields[.contentType] = type
        #expect(GRPC.isCall(request) == isCall)
    }
}
