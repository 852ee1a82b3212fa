internal import AsyncHTTPClient
internal import NIOCore

/// The HTTP client that all `http` handlers of a worker share. Shut it down when the worker has drained.
///
/// - Redirects are not followed: a POST would become a GET.
/// - A refused connection fails at once instead of being tried again in silence; the order waits instead.
/// - Answers are not decompressed here: a small one could grow beyond every limit (see ``AnswerBody``).
package struct HandlerClient: Sendable {
    /// Keeps connections open and uses them again.
    let pooled: HTTPClient
    /// Opens a connection for each request: for one that a kept connection has swallowed.
    let fresh: HTTPClient

    /// - Parameter connectionsPerHost: at most so many at a time. The slots of a worker are the limit, also when
    ///   somebody raises them while it runs, so the default is more than any worker has: an order that had to wait for a
    ///   connection would use up its time-out with nothing sent.
    package init(connectionsPerHost: Int = 65_536) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connectionsPerHost)
        pooled = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        configuration.maximumUsesPerConnection = 1
        fresh = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes all connections.
    package func shutdown() async throws {
        try await pooled.shutdown()
        try await fresh.shutdown()
    }
}
