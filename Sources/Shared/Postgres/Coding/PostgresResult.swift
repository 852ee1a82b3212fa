internal import CLibPQ

/// What the server answered to one statement: its rows, in the binary format, and how many were affected.
///
/// Rows are decoded on the task that asks, straight from the library's memory, which this object frees.
// Unchecked: a PGresult never changes after libpq handed it out, and only `deinit` frees it.
@safe package final class PostgresResult: @unchecked Sendable {
    private let result: OpaquePointer

    /// How many rows it holds.
    package let rowCount: Int
    package let columnCount: Int

    /// Takes ownership.
    init(_ result: OpaquePointer) {
        unsafe self.result = unsafe result
        rowCount = Int(unsafe PQntuples(result))
        columnCount = Int(unsafe PQnfields(result))
    }

    deinit { unsafe PQclear(result) }

    /// How many rows were inserted, updated, deleted, selected or merged; 0 for other statements.
    package var affectedRows: Int { Int(unsafe String(cString: PQcmdTuples(result))) ?? 0 }

    /// The server's word for what it did, such as `INSERT 0 1` or `ROLLBACK`.
    package var commandTag: String { unsafe String(cString: PQcmdStatus(result)) }

    package var rows: PostgresRows { PostgresRows(result: self) }

    package var first: PostgresRow? { rows.first }

    /// The first row, as ``PostgresRow/decode(_:)`` reads it.
    ///
    /// - Throws: also when there is no row.
    package func row<each Value: PostgresDecodable>(
        as types: (repeat each Value).Type = (repeat each Value).self
    ) throws(PostgresError) -> (repeat each Value) {
        try requireColumns(of: types, row: 0)
        guard rowCount > 0 else { throw .decoding(column: columnTitle(0), row: 0, fault: .noRow) }
        return try decode(row: 0, as: types)
    }

    /// The one column of the first row. Where there is no row, an `Optional` is nil.
    package func value<Value: PostgresDecodable>(as type: Value.Type = Value.self) throws(PostgresError) -> Value {
        if let first { return try first.decode(type) }
        try requireColumns(1, row: 0)
        do throws(DecodingFault) {
            return try Value.decodeNull()
        } catch {
            throw .decoding(column: columnTitle(0), row: 0, fault: .noRow)
        }
    }

    package func columnName(_ index: Int) -> String? {
        unsafe PQfname(result, Int32(clamping: index)).map { name in unsafe String(cString: name) }
    }

    /// The position of a column, compared exactly; nil when there is none. Linear in the number of columns.
    package func columnIndex(_ name: String) -> Int? {
        (0..<columnCount).first { index in columnName(index) == name }
    }

    /// - Throws: when the rows have another number of columns than types are named.
    func requireColumns<each Value>(of types: (repeat each Value).Type, row: Int) throws(PostgresError) {
        var asked = 0
        for _ in repeat (each Value).self { asked += 1 }
        try requireColumns(asked, row: row)
    }

    func requireColumns(_ asked: Int, row: Int) throws(PostgresError) {
        guard asked != columnCount else { return }
        throw .decoding(
            column: columnTitle(min(asked, columnCount)), row: row,
            fault: .wrongColumnCount(found: columnCount, asked: asked))
    }

    /// Reads the first fields of a row.
    func decode<each Value: PostgresDecodable>(
        row: Int, as types: (repeat each Value).Type
    ) throws(PostgresError) -> (repeat each Value) {
        var column = 0
        return (repeat try decode(row: row, next: &column, as: (each Value).self))
    }

    private func decode<Value: PostgresDecodable>(
        row: Int, next column: inout Int, as type: Value.Type
    ) throws(PostgresError) -> Value {
        defer { column += 1 }
        return try decode(row: row, column: column, as: type)
    }

    /// What errors call a column.
    func columnTitle(_ index: Int) -> String { columnName(index) ?? "number \(index)" }

    /// Reads one field.
    func decode<Value: PostgresDecodable>(
        row: Int, column: Int, as type: Value.Type
    ) throws(PostgresError) -> Value {
        guard row >= 0, row < rowCount, column >= 0, column < columnCount else {
            throw .decoding(column: "number \(column)", row: row, fault: .noSuchColumn)
        }
        let (row32, column32) = (Int32(row), Int32(column))
        do throws(DecodingFault) {
            if unsafe PQgetisnull(result, row32, column32) != 0 { return try Value.decodeNull() }
            let field = unsafe UnsafeRawBufferPointer(
                start: PQgetvalue(result, row32, column32), count: Int(PQgetlength(result, row32, column32)))
            let bytes = unsafe RawSpan(_unsafeBytes: field)
            return try Value.decode(bytes, type: PostgresType(rawValue: unsafe PQftype(result, column32)))
        } catch {
            throw .decoding(column: columnTitle(column), row: row, fault: error)
        }
    }

    // MARK: - For the connection

    /// The fields of the first row of a script's answer, which is text; empty where there is none.
    var firstLine: [String] {
        guard rowCount > 0 else { return [] }
        return (0..<columnCount).map { column in unsafe String(cString: PQgetvalue(result, 0, Int32(column))) }
    }

    /// What kind of answer this is.
    enum Kind {
        case success
        case failure(ServerError)
        case copy
    }

    var kind: Kind {
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_SINGLE_TUPLE, PGRES_PIPELINE_SYNC,
            PGRES_NONFATAL_ERROR:
            .success
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: .copy
        default: .failure(serverError)
        }
    }

    private var serverError: ServerError {
        let severity = field("V") ?? field("S")
        return ServerError(
            sqlState: field("C") ?? "",
            message: unsafe field("M") ?? String(cString: PQresultErrorMessage(result)),
            detail: field("D"), hint: field("H"), constraint: field("n"), context: field("W"),
            isFatal: severity == "FATAL" || severity == "PANIC")
    }

    private func field(_ code: Unicode.Scalar) -> String? {
        unsafe PQresultErrorField(result, Int32(code.value)).map { text in unsafe String(cString: text) }
    }
}
