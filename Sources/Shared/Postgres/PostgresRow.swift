/// One row of a result; keeps the whole result alive.
package struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int

    /// Reads a column by its position, the first being 0. The fast way.
    package func decode<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        try result.decode(row: index, column: column, as: type)
    }

    /// Reads a column by its name, compared exactly; of several of that name, the first.
    package func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let position = result.columnIndex(column) else {
            throw .decoding(column: column, row: index, fault: .noSuchColumn)
        }
        return try result.decode(row: index, column: position, as: type)
    }
}
