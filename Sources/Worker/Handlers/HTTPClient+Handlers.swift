package import AsyncHTTPClient
internal import NIOCore

extension HTTPClient {
    /// The client all `http` handlers of a worker share. Shut it down when the worker has drained.
    ///
    /// - Redirects are not followed: a POST would become a GET.
    /// - A refused connection fails at once instead of being tried again in silence; the retry policy decides.
    /// - Answers are not decompressed: a small one could grow beyond every limit.
    /// - Parameter connectionsPerHost: as many as the worker has slots, or orders wait for a connection while their
    ///   time-out runs.
    package static func forHandlers(connectionsPerHost: Int) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connectionsPerHost)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}
