internal import Glibc

/// One of the two servers of a private stack.
package enum StackServer: String, Sendable, Codable, CaseIterable {
    /// RabbitMQ, with an epmd of its own.
    case broker
    /// PostgreSQL.
    case database

    /// What people call it, for messages.
    package var productName: String {
        switch self {
        case .broker: "RabbitMQ"
        case .database: "PostgreSQL"
        }
    }

    /// The kernel's name of the process that is the server; all others of the server are its helpers.
    var leaderName: String {
        switch self {
        case .broker: "beam.smp"
        case .database: "postgres"
        }
    }

    /// Asks the leader for an orderly end without waiting for its clients.
    var stopSignal: Int32 {
        switch self {
        case .broker: SIGTERM
        case .database: SIGINT
        }
    }
}
