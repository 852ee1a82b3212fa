import Postgres

extension Request {
    /// Has its effect and writes the journal in one transaction, once more if the connection broke or somebody had to
    /// give way, as a worker does: with the same names.
    ///
    /// - Parameter retrying: hears why it is asked for again.
    /// - Returns: the reply, as the journal has it too.
    func run(
        on client: PostgresClient, retrying: (PostgresError) -> Void = { _ in }
    ) async throws -> String {
        while true {
            do {
                return try await once(on: client)
            } catch let error as PostgresError where error.isTransient {
                // Its outcome may be unknown; the names make asking again safe.
                retrying(error)
            }
        }
    }

    private func once(on client: PostgresClient) async throws -> String {
        guard case .operation(let operation) = kind else {
            return try await client.withConnection { connection in try await once(on: connection) }
        }
        try await client.withTransaction { transaction in
            _ = try await transaction.run("SELECT journal.join_queue(\(number))")
            _ = try await transaction.run(operation.query)
        }
        return "[]"
    }

    /// Asks once. On a connection of one's own a change of limits would need two statements: it is left to `run`.
    @discardableResult
    func once(on connection: PostgresConnection) async throws -> String {
        let query: Query
        switch kind {
        case .batch(let batch): query = batch.journaled(as: number)
        case .expire: query = "SELECT journal.expire(\(number))"
        case .operation: return ""
        }
        return try await connection.run(query).first?.decode(0, as: String.self) ?? ""
    }
}
