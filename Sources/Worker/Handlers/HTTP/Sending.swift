internal import AsyncHTTPClient
internal import NIOCore
internal import Synchronization

/// How far a request has come: what its failure means depends on it.
final class Sending: Sendable {
    private let begun = Atomic<Bool>(false)
    private let answered = Atomic<Bool>(false)

    /// Whether the service can have seen the work order. The client asks for a body once it has a connection, with TLS
    /// and all, and has written the head: before that nobody can have acted on anything.
    var hasBegun: Bool { begun.load(ordering: .acquiring) }
    /// Whether an answer has begun.
    var isAnswered: Bool { answered.load(ordering: .acquiring) }

    func answerBegins() { answered.store(true, ordering: .releasing) }

    /// The document as a request's body.
    func body(_ document: [UInt8]) -> HTTPClientRequest.Body {
        .stream(Pieces(document: ByteBuffer(bytes: document), sending: self), length: .known(Int64(document.count)))
    }

    private struct Pieces: AsyncSequence, Sendable {
        typealias Element = ByteBuffer
        let document: ByteBuffer
        let sending: Sending

        func makeAsyncIterator() -> Iterator { Iterator(rest: document, sending: sending) }

        struct Iterator: AsyncIteratorProtocol {
            var rest: ByteBuffer?
            let sending: Sending

            mutating func next() async -> ByteBuffer? {
                sending.begun.store(true, ordering: .releasing)
                defer { rest = nil }
                return rest
            }
        }
    }
}
