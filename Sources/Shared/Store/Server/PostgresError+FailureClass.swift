package import Postgres
package import WorkOrders

extension PostgresError: ClassifiedFailure {
    package var failureClass: FailureClass {
        switch self {
        case .server(let error): .of(sqlState: error.sqlState)
        case .timeout: .timeout
        case .decoding, .transactionAborted: .orchestrationError
        case .invalidConfiguration, .unreachable, .authenticationFailed, .databaseMissing, .unsuitable, .connectionLost,
            .cancelled, .closed:
            .infrastructure
        }
    }
}
