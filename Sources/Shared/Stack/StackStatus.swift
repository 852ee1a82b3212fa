/// What a private stack is doing right now, found out from the processes themselves.
package struct StackStatus: Sendable, Codable, Equatable {
    /// How far a server is.
    package enum State: String, Sendable, Codable {
        /// No process of ours.
        case stopped
        /// A process of ours that doesn't answer: starting, stopping or paused.
        case unresponsive
        /// It answers clients.
        case ready
    }

    /// One server.
    package struct Server: Sendable, Codable, Equatable {
        package let state: State
        /// nil while stopped.
        package let pid: Int32?
        /// nil before the first start.
        package let port: Int?
        /// The file its own messages go to.
        package let log: String
    }

    /// The folder that `--folder` names, absolute.
    package let folder: String
    package let broker: Server
    package let database: Server

    /// Whether clients can use both servers.
    package var isReady: Bool { broker.state == .ready && database.state == .ready }
}
