/// An open transaction. Don't send COMMIT or ROLLBACK through it: return from its closure, or throw.
package struct PostgresTransaction: Sendable {
    private let connection: PostgresConnection

    init(connection: PostgresConnection) { self.connection = connection }

    /// Runs one statement inside the transaction.
    package func run(_ query: Query) async throws(PostgresError) -> PostgresResult {
        do throws(PostgresError) {
            return try await connection.run(query)
        } catch {
            throw PostgresTransaction.withKnownOutcome(error)
        }
    }

    /// Runs a script of statements without parameters or rows inside the transaction.
    package func runSimple(_ sql: String) async throws(PostgresError) {
        do throws(PostgresError) {
            try await connection.runSimple(sql)
        } catch {
            throw PostgresTransaction.withKnownOutcome(error)
        }
    }

    /// Nothing of a transaction lasts whose connection broke before COMMIT was sent.
    private static func withKnownOutcome(_ error: PostgresError) -> PostgresError {
        guard case .connectionLost(let reason, _) = error else { return error }
        return .connectionLost(reason: reason, outcomeUnknown: false)
    }
}
