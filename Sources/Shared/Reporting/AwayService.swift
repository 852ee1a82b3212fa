internal import AMQP
internal import Postgres

/// A server that can't be reached or lets nobody in: one cause, whatever was being done when it was noticed.
enum AwayService: String {
    case database, broker

    /// Nil when the error has another cause.
    static func behind(_ error: any Error) -> AwayService? {
        switch error {
        case let error as PostgresError:
            switch error {
            case .unreachable, .connectionLost, .timeout, .authenticationFailed, .databaseMissing, .unsuitable:
                .database
            // Starting, stopping, read-only, out of connections or of disk.
            case .server(let server)
            where error.fault == .away || error.fault == .starved || server.sqlState.hasPrefix("57P"):
                .database
            default: nil
            }
        case let error as AMQPError:
            switch error {
            case .authenticationFailed, .virtualHostMissing: .broker
            default: error.isAway ? .broker : nil
            }
        default: nil
        }
    }
}
