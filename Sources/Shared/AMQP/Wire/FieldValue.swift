/// A value in a header or argument table. Integers of all widths arrive as `int64`, floats as `double`; texts and keys as
/// ``WireText`` has them. The exact form that came is in ``WireProperties``.
package enum FieldValue: Sendable, Equatable {
    case string(String)
    case int64(Int64)
    case bool(Bool)
    case double(Double)
    case bytes([UInt8])
    /// Seconds since 1970.
    case timestamp(UInt64)
    /// The number, divided by ten to the power of the scale.
    case decimal(scale: UInt8, Int32)
    indirect case table(FieldTable)
    indirect case array([FieldValue])
    /// AMQP's empty value.
    case void
    /// What this client doesn't take apart, as AMQP writes it, its type included: too deep, broken inside, or too large.
    case encoded([UInt8])
}

/// Headers of a message, or arguments of a declaration.
package typealias FieldTable = [String: FieldValue]

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int64(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}
