import NIOCore
import NIOHTTP1

/// Brings requests of HTTP/1.0 and HTTP/1.1 into one form. It stands where the version is still known.
///
/// A request of HTTP/1.0 becomes what means the same in HTTP/1.1: with a host, which may be empty, without `Expect`,
/// and with `Connection: close`; its answer is one of HTTP/1.0, never in chunks. One of HTTP/1.1 that hasn't exactly
/// one host is left without any, and refused by whoever answers it, in its turn.
final class HTTPVersionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private static let old = HTTPVersion(major: 1, minor: 0)
    /// The last request was of HTTP/1.0: none follows it.
    private var isOld = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        isOld = head.version == Self.old
        let hosts = head.headers["Host"]
        if isOld {
            head.headers.remove(name: "Expect")
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            head.headers.replaceOrAdd(name: "Host", value: hosts.first ?? "")
        } else if hosts.count != 1 {
            head.headers.remove(name: "Host")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOld, case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        head.version = Self.old
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}
