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

    package func columnName(_ index: Int) -> String? {
        unsafe PQfname(result, Int32(clamping: index)).map { name in unsafe String(cString: name) }
    }

    /// The position of a column, compared exactly; nil when there is none. Linear in the number of columns.
    package func columnIndex(_ name: String) -> Int? {
        (0..<columnCount).first { index in columnName(index) == name }
    }

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
            throw .decoding(column: columnName(column) ?? "number \(column)", row: row, fault: error)
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
