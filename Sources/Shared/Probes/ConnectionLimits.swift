package import NIOCore

/// What a connection to the HTTP server may take: a client that is slow, or means ill, holds neither the server nor its
/// memory.
package struct ConnectionLimits: Sendable {
    /// So many at a time. One more closes the one that has kept the server waiting longest, so that a probe always
    /// finds room. Default 128.
    package var connections = 128
    /// For the head of a request, from the start of the connection or the last answer. Default 10 s.
    package var head = TimeAmount.seconds(10)
    /// For the body, from the end of the head. Default 30 s.
    package var body = TimeAmount.seconds(30)
    /// For a client to read its answer, and for the rest of a body that was answered early. Default 10 s.
    package var answer = TimeAmount.seconds(10)

    package init() {}
}
