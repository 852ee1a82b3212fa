/// One row of a result; keeps the whole result alive.
package struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int

    /// Reads the whole row, in the statement's order of columns: `try row.decode((UUID, String?, Int).self)`. Where it
    /// goes to may name the types instead: `(id, title) = try row.decode()`, or `try rows.decode().map(Count.init)`.
    ///
    /// - Throws: also when the row has more or fewer columns than types are named.
    package func decode<each Value: PostgresDecodable>(
        _ types: (repeat each Value).Type = (repeat each Value).self
    ) throws(PostgresError) -> (repeat each Value) {
        try result.requireColumns(of: types, row: index)
        return try result.decode(row: index, as: types)
    }

    /// Reads a row of one column.
    package func decode<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> Value {
        try result.requireColumns(1, row: index)
        return try result.decode(row: index, column: 0, as: type)
    }

    /// Reads a column by its position, the first being 0. The fast way.
    package func decode<Value: PostgresDecodable>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        try result.decode(row: index, column: column, as: type)
    }

    /// The error for a word in a column that is none of those it may be.
    package func unknown(_ word: String, _ column: Int) -> PostgresError {
        .decoding(column: result.columnTitle(column), row: index, fault: .unknown(word: word))
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
