import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Holds one connection to its limits, answers `Expect: 100-continue`, and closes it where an answer says so.
///
/// Only on its connection's event loop, as every handler.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionLimits
    private let connections: OpenConnections
    private let admits: @Sendable (HTTPRequest) -> Bool
    private var deadline: Scheduled<Void>?
    /// The request's body is not at its end yet.
    private var isReceiving = false
    /// Requests that were not answered yet.
    private var unanswered = 0
    private var isLast = false
    private var isAnswering = false

    /// - Parameter admits: whether a client that asks first may send the body of its request.
    init(
        _ limits: ConnectionLimits, _ connections: OpenConnections, admits: @escaping @Sendable (HTTPRequest) -> Bool
    ) {
        self.limits = limits
        self.connections = connections
        self.admits = admits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // Small pieces: what has arrived and nobody has taken yet is memory, for each connection.
        _ = try? context.channel.syncOptions?.setOption(
            .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 8192))
        let pipeline = context.pipeline.syncOperations
        do {
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandler(HTTPVersionHandler(), position: .before(codec))
        } catch {
            // Only a server of another protocol has none: it isn't let in.
            context.fireErrorCaught(error)
            return context.close(promise: nil)
        }
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(context) }

    private func begin(_ context: ChannelHandlerContext) {
        guard deadline == nil else { return }
        guard connections.opened(context.channel) else {
            context.close(promise: nil)
            return
        }
        expect(.head, context)
    }

    private func end(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        connections.closed(context.channel)
    }

    /// Closes the connection unless what is waited for comes in time. A wait for this server's own answer has no end.
    private func expect(_ wait: OpenConnections.Wait, _ context: ChannelHandlerContext, within: TimeAmount? = nil) {
        deadline?.cancel()
        deadline = nil
        connections.waits(context.channel, for: wait)
        let (limit, why): (TimeAmount?, String) =
            switch wait {
            case .head: (limits.head, "head_late")
            case .body: (limits.body, "body_late")
            case .answer: (within, "answer_unread")
            }
        guard let limit else { return }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
            // An idle connection between two requests is closed as a matter of course.
            if wait != .head || !self.isIdle { OpenConnections.count(why) }
            context.close(promise: nil)
        }
    }

    /// It has had an answer, and nothing of another request.
    private var isIdle: Bool { unanswered == 0 && isAnswering }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            isReceiving = true
            unanswered += 1
            expect(.body, context)
            let expectation = request.headerFields[.expect]?.lowercased()
            if expectation == "100-continue", admits(request) {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end:
            isReceiving = false
            settle(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let response) where response.status.kind != .informational:
            isLast = isLast || response.headerFields[.connection]?.lowercased() == "close"
            isAnswering = true
            context.write(data, promise: promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in
                self.unanswered = max(0, self.unanswered - 1)
                self.settle(context)
            }
            expect(.answer, context, within: limits.answer)
            context.write(data, promise: written)
        default:
            context.write(data, promise: promise)
        }
    }

    /// After the end of a request, or of an answer.
    private func settle(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        switch (isReceiving, unanswered > 0) {
        case (false, true): expect(.answer, context)
        // Answered early: the rest of the body is read and thrown away for a while, so that the answer gets through.
        case (true, false): expect(.answer, context, within: limits.answer)
        case (false, false) where isLast: context.close(promise: nil)
        case (false, false): expect(.head, context)
        case (true, true): break
        }
    }
}
