internal import Crypto

/// Puts the frames of one content together: the method that opened it, its header, and as many body frames as it takes.
/// A channel carries one content at a time. Of a body over the limit only the beginning is kept.
struct DeliveryAssembler<Opening> {
    /// Of a body over the limit so many bytes are kept.
    static var keptBytes: Int { 65_536 }

    /// A complete content.
    struct Content {
        var opening: Opening
        var properties: WireProperties
        var body: [UInt8]
        /// Of the body as it was sent.
        var bodySize: Int
        /// SHA-256 of all of a body that was cut; nil for one that is whole.
        var cutDigest: [UInt8]?
    }

    private enum State {
        case idle
        case opened(Opening)
        case filling(Content)
        /// Over the limit: what comes is only measured.
        case measuring(Content, seen: Int, SHA256)
    }

    private let limit: Int
    private var state = State.idle

    /// - Parameter limit: bytes of the largest body that is kept whole.
    init(limit: Int) { self.limit = limit }

    /// The method frame: `basic.deliver` or `basic.return`.
    mutating func open(_ opening: Opening) { state = .opened(opening) }

    /// The header frame.
    /// - Returns: the content, when it has no body. A header nobody asked for is dropped.
    mutating func header(bodySize: Int, properties: WireProperties) -> Content? {
        guard case .opened(let opening) = state else { return nil }
        let content = Content(opening: opening, properties: properties, body: [], bodySize: bodySize)
        guard bodySize > 0 else {
            state = .idle
            return content
        }
        state = bodySize > limit ? .measuring(content, seen: 0, SHA256()) : .filling(content)
        return nil
    }

    /// One body frame.
    /// - Returns: the content, when this was its last frame.
    mutating func body(_ bytes: [UInt8]) -> Content? {
        let taken = state
        state = .idle
        switch taken {
        case .idle, .opened: return nil
        case .filling(var content):
            if content.body.isEmpty {
                content.body = bytes
                // Bodies of several frames grow in place from here on.
                if bytes.count < content.bodySize { content.body.reserveCapacity(content.bodySize) }
            } else {
                content.body.append(contentsOf: bytes)
            }
            if content.body.count >= content.bodySize { return content }
            state = .filling(content)
            return nil
        case .measuring(var content, let seen, var hash):
            hash.update(data: bytes)
            content.body.append(contentsOf: bytes.prefix(max(0, Self.keptBytes - content.body.count)))
            guard seen + bytes.count >= content.bodySize else {
                state = .measuring(content, seen: seen + bytes.count, hash)
                return nil
            }
            content.cutDigest = Array(hash.finalize())
            return content
        }
    }
}

extension DeliveryAssembler.Content: Equatable where Opening: Equatable {}
