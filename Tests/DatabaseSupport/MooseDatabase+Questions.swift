package import FoundationEssentials
package import Postgres
internal import TestSupport
package import Testing

extension MooseDatabase {
    /// The one column of a statement's first row.
    package func value<Value: PostgresDecodable>(_ query: Query, as type: Value.Type) async throws -> Value {
        try await client.run(query).value(as: type)
    }

    /// How many rows a table expression with its condition has.
    package func count(_ source: String) async throws -> Int64 {
        try await value("SELECT count(*) FROM \(unescaped: source)", as: Int64.self)
    }

    /// Waits until a table expression with its condition has so many rows.
    ///
    /// - Parameter limit: no expectation of speed; what can only be lost, and not late, need not be waited for long.
    package func waitFor(
        _ wanted: Int64, _ source: String, within limit: Duration = .seconds(40),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var seen: Int64 = 0
        try await eventually(
            "there are \(wanted) rows of \(source), at last \(seen)", timeout: limit, sourceLocation: sourceLocation
        ) {
            seen = try await count(source)
            return seen == wanted
        }
    }

    /// How many rows and entries were read of each table and index of Moose's until now, by this client's session, which
    /// must be the only one it has.
    package func rowsRead() async throws -> [String: Int64] {
        try await run("SELECT pg_stat_force_next_flush()")
        let rows = try await client.run(
            """
            SELECT relname::text, seq_tup_read FROM pg_stat_user_tables WHERE schemaname = 'moose'
            UNION ALL SELECT indexrelname::text, idx_tup_read FROM pg_stat_user_indexes WHERE schemaname = 'moose'
            """
        ).rows
        return Dictionary(uniqueKeysWithValues: try rows.decode((String, Int64).self))
    }

    /// The state of a work order.
    package func state(_ id: UUID) async throws -> String {
        try await value("SELECT state FROM moose.work_orders WHERE id = \(id)", as: String.self)
    }

    /// Runs a script, as an operator would with psql.
    package func run(_ sql: String) async throws { try await client.runSimple(sql) }
}
