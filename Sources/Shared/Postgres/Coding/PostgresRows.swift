/// The rows of a result, in the server's order.
package struct PostgresRows: RandomAccessCollection, Sendable {
    let result: PostgresResult

    package var startIndex: Int { 0 }
    package var endIndex: Int { result.rowCount }

    package subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "a result of \(result.rowCount) rows has no row \(position)")
        return PostgresRow(result: result, index: position)
    }
}
