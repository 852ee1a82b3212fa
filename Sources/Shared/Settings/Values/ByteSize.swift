/// Amounts of memory as people write them: `500MB`, `2GB`, `1GiB`, or a number of bytes.
package enum ByteSize {
    private static let units: [(name: String, bytes: Int64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000),
        ("GB", 1_000_000_000), ("B", 1), ("", 1),
    ]
    /// From 16 MB, less than any process needs, to 16 TB.
    package static let range: ClosedRange<Int64> = 16_000_000...16_000_000_000_000

    /// How an amount is written.
    package static let expected = "an amount of memory from 16MB to 16000GB, such as 500MB or 1GiB"

    /// The bytes; nil for anything else, or out of ``range``.
    package static func parse(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Int64(digits), let size = units.first(where: { $0.name == unit })?.bytes else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: size)
        return !overflows && range.contains(bytes) ? bytes : nil
    }

    /// The shortest exact text.
    package static func text(_ bytes: Int64) -> String {
        for (name, size) in [("GB", Int64(1_000_000_000)), ("MB", 1_000_000), ("kB", 1_000)] where bytes % size == 0 {
            return "\(bytes / size)\(name)"
        }
        return "\(bytes)"
    }
}

extension Field {
    /// An amount of memory; nil with a mistake noted.
    func byteSize() -> Int64? {
        guard let text = text(expected: ByteSize.expected) else { return nil }
        if let bytes = ByteSize.parse(text) { return bytes }
        fail("should be \(ByteSize.expected)")
        return nil
    }
}
