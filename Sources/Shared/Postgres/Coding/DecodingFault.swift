/// Why a field of a result can't be read as the Swift type asked for.
package enum DecodingFault: Error, Hashable, CustomStringConvertible {
    /// The field is NULL; ask for an `Optional`.
    case unexpectedNull
    /// The column's type is not one that the Swift type can be read from.
    case wrongType(PostgresType)
    /// The bytes are not what the server sends for this type.
    case malformed(String)
    /// The value is legal in the database but doesn't fit the Swift type.
    case outOfRange(String)
    /// The result has no such column.
    case noSuchColumn
    /// A whole row was asked for, with more or fewer columns than it has.
    case wrongColumnCount(found: Int, asked: Int)
    /// The result has no row.
    case noRow

    /// A text stands where only certain words may: an unknown one is an error, never a default.
    static func unknown(word: String) -> DecodingFault {
        .malformed("'\(word.prefix(60))', which this version does not know")
    }

    package var description: String {
        switch self {
        case .unexpectedNull: "it is NULL: decode an Optional"
        case .wrongType(let type): "a column of the type with OID \(type.rawValue) is not readable as this: cast it"
        case .malformed(let what): "malformed: \(what)"
        case .outOfRange(let what): "out of range: \(what)"
        case .noSuchColumn: "the result has no such column"
        case .wrongColumnCount(let found, let asked):
            "asked for \(asked) column\(asked == 1 ? "" : "s") of a result that has \(found)"
        case .noRow: "the result has no row"
        }
    }
}
