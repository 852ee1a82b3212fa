/// What a client's connections are doing, for health checks and metrics.
package struct PostgresStatus: Sendable, Equatable {
    /// Connections made, idle or at work.
    package var open = 0
    /// Connections at work or leased.
    package var busy = 0
    /// Attempts to connect under way.
    package var connecting = 0
    /// Statements and leases that wait for a connection.
    package var waiting = 0
    /// Why the latest connection failed; nil when one has been made since.
    package var lastFailure: PostgresError?
    package var isClosed = false

    /// True unless the database is known to be away.
    package var isHealthy: Bool { !isClosed && (open > 0 || lastFailure == nil) }
}
