/// One bound parameter of a statement: its declared type and its bytes in the server's binary format.
package struct Parameter: Sendable, Hashable {
    package let type: PostgresType
    /// nil binds NULL.
    package let bytes: [UInt8]?

    /// Encodes a Swift value, once, into one buffer.
    package init(_ value: some PostgresEncodable) {
        type = Swift.type(of: value).postgresType
        guard !value.isNull else {
            bytes = nil
            return
        }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(value.encodedSize)
        value.encode(into: &buffer)
        bytes = buffer
    }

    /// A value that is already in the server's binary format.
    package init(type: PostgresType, bytes: [UInt8]?) {
        self.type = type
        self.bytes = bytes
    }
}
