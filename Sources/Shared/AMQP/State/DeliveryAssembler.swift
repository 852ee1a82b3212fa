/// Puts the frames of one content together: the method that opened it, its header, and as many body frames as it takes.
/// A channel carries one content at a time.
struct DeliveryAssembler<Opening> {
    /// A complete content.
    struct Content {
        var opening: Opening
        var properties: MessageProperties
        var body: [UInt8]
    }

    private enum State {
        case idle
        case opened(Opening)
        case filling(Content, expected: Int)
    }

    private var state = State.idle

    /// The method frame: `basic.deliver` or `basic.return`.
    mutating func open(_ opening: Opening) { state = .opened(opening) }

    /// The header frame.
    /// - Returns: the content, when it has no body. A header nobody asked for is dropped.
    mutating func header(bodySize: Int, properties: MessageProperties) -> Content? {
        guard case .opened(let opening) = state else { return nil }
        let content = Content(opening: opening, properties: properties, body: [])
        guard bodySize > 0 else {
            state = .idle
            return content
        }
        state = .filling(content, expected: bodySize)
        return nil
    }

    /// One body frame.
    /// - Returns: the content, when this was its last frame.
    mutating func body(_ bytes: [UInt8]) -> Content? {
        guard case .filling(var content, let expected) = state else { return nil }
        state = .idle
        if content.body.isEmpty {
            content.body = bytes
            // Bodies of several frames grow in place from here on, by the announced size (trusted up to 16 MiB).
            if bytes.count < expected { content.body.reserveCapacity(min(expected, 16 << 20)) }
        } else {
            content.body.append(contentsOf: bytes)
        }
        if content.body.count >= expected { return content }
        state = .filling(content, expected: expected)
        return nil
    }
}

extension DeliveryAssembler.Content: Equatable where Opening: Equatable {}
