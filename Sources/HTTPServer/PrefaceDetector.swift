// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// Detects from the first bytes of a connection which HTTP version its client uses, with and without TLS.
///
/// An HTTP/2 client begins with 24 fixed bytes (RFC 9113 §3.4), so one port serves both versions and any sender can use it. Until then
/// the connection is treated as HTTP/1.1, with its time limits. Must be used on its event loop.
final class PrefaceDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: ListenerLimits
    private let becomeHTTP2: (ChannelPipeline.SynchronousOperations) throws -> Bool
    private var received: ByteBuffer?

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// - Parameter becomeHTTP2: Adds the HTTP/2 handlers to the pipeline; false when the connection has ended.
    init(_ limits: ListenerLimits, becomeHTTP2: @escaping (ChannelPipeline.SynchronousOperations) throws -> Bool) {
        (self.limits, self.becomeHTTP2) = (limits, becomeHTTP2)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if var received {
            received.writeBuffer(&bytes)
            bytes = received
        }
        let first = bytes.readableBytesView.prefix(Self.preface.count)
        if !Self.preface.starts(with: first) {
            become(context, bytes) {
                try $0.addHandler(self.decoder, position: .after(self))
                return true
            }
        } else if first.count == Self.preface.count {
            become(context, bytes, becomeHTTP2)
        } else {
            received = bytes
        }
    }

    /// Sets up the pipeline for a protocol and passes on the bytes that have arrived so far.
    private func become(
        _ context: ChannelHandlerContext,
        _ bytes: ByteBuffer,
        _ change: (ChannelPipeline.SynchronousOperations) throws -> Bool
    ) {
        received = nil
        let pipeline = context.pipeline.syncOperations
        do {
            guard try change(pipeline) else { return }
        } catch {
            return context.close(promise: nil)
        }
        context.fireChannelRead(wrapInboundOut(bytes))
        pipeline.removeHandler(self, promise: nil)
    }

    private var decoder: ByteToMessageHandler<HTTPRequestDecoder> {
        var limit = NIOHTTPDecoderLimitConfiguration()
        limit.maxHeaderFieldSize = limits.headBytes
        limit.maxHeaderListSize = limits.headBytes
        limit.maxHeaderFieldCount = limits.headFields
        return ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limit))
    }
}
