/// What runs a statement and gives its answer: the client, a connection of its own, or a transaction.
package protocol QueryRunner: Sendable {
    /// Runs one statement.
    func run(_ query: Query) async throws(PostgresError) -> PostgresResult
}

extension QueryRunner {
    /// Runs a statement that answers with one value, such as `SELECT now()` or a call of a function.
    ///
    /// An `Optional` is nil for NULL, and where there is no row.
    ///
    /// - Throws: also when there is more or less than one column; of several rows the first is taken.
    package func value<Value: PostgresDecodable>(
        _ query: Query, as type: Value.Type = Value.self
    ) async throws(PostgresError) -> Value {
        try await run(query).value(as: type)
    }

    /// Runs a statement that answers with one row of several columns; see ``PostgresRow/decode(_:)``.
    ///
    /// - Throws: also when there is no row; of several the first is taken.
    package func row<each Value: PostgresDecodable>(
        _ query: Query, as types: (repeat each Value).Type = (repeat each Value).self
    ) async throws(PostgresError) -> (repeat each Value) {
        try await run(query).row(as: types)
    }

    /// Runs a statement that answers with one number: `SELECT count(*) …`, or a function that says how many it did.
    package func count(_ query: Query) async throws(PostgresError) -> Int { try await value(query, as: Int.self) }
}

extension PostgresClient: QueryRunner {}
extension PostgresConnection: QueryRunner {}
extension PostgresTransaction: QueryRunner {}
