/// The rows of a result, in the server's order.
package struct PostgresRows: RandomAccessCollection, Sendable {
    let result: PostgresResult

    package var startIndex: Int { 0 }
    package var endIndex: Int { result.rowCount }

    package subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "a result of \(result.rowCount) rows has no row \(position)")
        return PostgresRow(result: result, index: position)
    }

    /// Reads all rows, each as ``PostgresRow/decode(_:)`` does: `try rows.decode((UUID, Int64).self)`.
    ///
    /// - Throws: where the number of columns doesn't fit, also when there is no row.
    package func decode<each Value: PostgresDecodable>(
        _ types: (repeat each Value).Type = (repeat each Value).self
    ) throws(PostgresError) -> [(repeat each Value)] {
        try result.requireColumns(of: types, row: 0)
        var values: [(repeat each Value)] = []
        values.reserveCapacity(count)
        for row in indices { values.append(try result.decode(row: row, as: types)) }
        return values
    }

    /// Reads all rows of one column.
    package func decode<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> [Value] {
        try result.requireColumns(1, row: 0)
        var values: [Value] = []
        values.reserveCapacity(count)
        for row in indices { values.append(try result.decode(row: row, column: 0, as: type)) }
        return values
    }
}
