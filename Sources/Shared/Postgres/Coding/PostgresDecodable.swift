/// A type that can be read from a column of a result in the server's binary format.
package protocol PostgresDecodable: Sendable {
    /// Reads a value that is not NULL.
    ///
    /// - Parameters:
    ///   - bytes: the field's content, valid for this call only.
    ///   - type: what the server says the column is; refuse what would be misread.
    static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Self

    /// What NULL reads as. Default: ``DecodingFault/unexpectedNull``.
    static func decodeNull() throws(DecodingFault) -> Self
}

extension PostgresDecodable {
    package static func decodeNull() throws(DecodingFault) -> Self { throw .unexpectedNull }
}
