package import FoundationEssentials

/// `timestamptz`, rounded to the server's microseconds. The server's `infinity` is `Date.distantFuture`, and back
/// from any date the server can't hold; `-infinity` likewise `Date.distantPast`.
extension Date: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .timestamptz }
    package static var postgresArrayType: PostgresType { .timestamptzArray }

    /// The server counts from 2000-01-01, a year before `Date` does.
    private static var epochShift: Double { 31_622_400 }
    /// 294276-12-31, the last day the server knows; its first is 4713 BC, nearer than the negative of this.
    private static var last: Double { 9_223_371_331_200 }
    private static var first: Double { -211_813_488_000 }

    package func encode(into buffer: inout [UInt8]) {
        let seconds = timeIntervalSinceReferenceDate + Date.epochShift
        let microseconds: Int64 =
            if self == .distantFuture || !(seconds < Date.last) {
                .max
            } else if self == .distantPast || seconds < Date.first {
                .min
            } else {
                Int64((seconds * 1_000_000).rounded())
            }
        buffer.append(bigEndian: microseconds)
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Date {
        guard type == .timestamptz else { throw .wrongType(type) }
        let microseconds = try bytes.exactly(Int64.self)
        if microseconds == .max { return .distantFuture }
        if microseconds == .min { return .distantPast }
        return Date(timeIntervalSinceReferenceDate: Double(microseconds) / 1_000_000 - epochShift)
    }
}
