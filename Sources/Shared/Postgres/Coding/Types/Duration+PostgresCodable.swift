/// `interval`, cut to whole microseconds. A day reads as 24 hours; an interval with months has no fixed length and is
/// refused.
extension Duration: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .interval }
    package static var postgresArrayType: PostgresType { .intervalArray }
    package var encodedSize: Int { 16 }

    package func encode(into buffer: inout [UInt8]) {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        // Longer than 292,000 years: the longest the server takes.
        let microseconds = overflow ? (seconds < 0 ? .min : .max) : whole + attoseconds / 1_000_000_000_000
        buffer.append(bigEndian: microseconds)
        buffer.append(bigEndian: Int32(0))
        buffer.append(bigEndian: Int32(0))
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Duration {
        guard type == .interval else { throw .wrongType(type) }
        let microseconds = try bytes.bigEndian(Int64.self, at: 0)
        let days = try bytes.bigEndian(Int32.self, at: 8)
        let months = try bytes.bigEndian(Int32.self, at: 12)
        guard months == 0 else { throw .outOfRange("an interval of \(months) months has no fixed length") }
        return .microseconds(microseconds) + .seconds(Int64(days) * 86_400)
    }
}
