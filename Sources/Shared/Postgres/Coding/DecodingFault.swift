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

    package var description: String {
        switch self {
        case .unexpectedNull: "it is NULL: decode an Optional"
        case .wrongType(let type): "a column of the type with OID \(type.rawValue) is not readable as this: cast it"
        case .malformed(let what): "malformed: \(what)"
        case .outOfRange(let what): "out of range: \(what)"
        case .noSuchColumn: "the result has no such column"
        }
    }
}
