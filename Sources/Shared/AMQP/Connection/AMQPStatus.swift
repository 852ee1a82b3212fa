/// How a connection stands, for health checks and metrics.
package struct AMQPStatus: Sendable, Equatable {
    /// Logged in, and nothing is known to be wrong.
    package var connected = false
    /// Why the broker accepts no messages now, or nil.
    package var blocked: String?
    /// Time since the broker was last heard, heartbeats included; nil without a connection.
    package var lastFrameAge: Duration?
    /// Successful connections after the first.
    package var reconnects = 0
    /// For example `3.10.8`; nil before the first login.
    package var serverVersion: String?
    /// The host it is or was last connected to; nil before the first login.
    package var address: BrokerAddress?
    /// Why there is no connection, or why the last one ended.
    package var lastError: AMQPError?
}
