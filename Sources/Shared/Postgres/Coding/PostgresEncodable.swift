/// A value that can be bound to a statement's `$n`, in the server's binary format.
package protocol PostgresEncodable: Sendable {
    /// The type declared to the server; the statement casts (`$1::jsonb`) where it needs another.
    static var postgresType: PostgresType { get }

    /// True when the value is bound as NULL. Default false.
    var isNull: Bool { get }

    /// About how many bytes ``encode(into:)`` appends, so that buffers grow once. Default 8.
    var encodedSize: Int { get }

    /// Appends the value's bytes, without a length before them. Not called for NULL.
    func encode(into buffer: inout [UInt8])
}

extension PostgresEncodable {
    package var isNull: Bool { false }
    package var encodedSize: Int { 8 }
}
