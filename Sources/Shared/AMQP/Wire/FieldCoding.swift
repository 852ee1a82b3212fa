/// How values of headers are written. Nothing here goes deeper than ``depthLimit``, whatever was sent: a header may nest
/// some twenty thousand tables.
enum FieldCoding {
    /// Tables and arrays inside of one another that are taken apart; RabbitMQ's own headers have four. What is deeper stays
    /// as it is encoded.
    static let depthLimit = 16

    /// Passes one value by, however deep it is.
    /// - Returns: where it stands; nil for a type of unknown length, and for one that goes on past the end.
    static func skip(_ reader: inout WireReader) -> Range<Int>? {
        let start = reader.position
        guard let kind = reader.byte() else { return nil }
        let rest: Range<Int>? =
            switch kind {
            case UInt8(ascii: "t"), UInt8(ascii: "b"), UInt8(ascii: "B"): reader.skip(1)
            case UInt8(ascii: "s"), UInt8(ascii: "u"): reader.skip(2)
            case UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "f"): reader.skip(4)
            case UInt8(ascii: "l"), UInt8(ascii: "L"), UInt8(ascii: "d"), UInt8(ascii: "T"): reader.skip(8)
            case UInt8(ascii: "D"): reader.skip(5)
            case UInt8(ascii: "S"), UInt8(ascii: "x"), UInt8(ascii: "A"), UInt8(ascii: "F"): reader.long()
            case UInt8(ascii: "V"): reader.skip(0)
            default: nil
            }
        return rest.map { start..<$0.upperBound }
    }

    /// Reads one value. What is too deep, or broken inside, comes as ``FieldValue/encoded(_:)``.
    static func value(_ reader: inout WireReader) -> FieldValue? {
        guard let range = skip(&reader) else { return nil }
        return value(reader.bytes, range, depth: 1) ?? .encoded(Array(reader.bytes[range]))
    }

    private static func value(_ bytes: [UInt8], _ range: Range<Int>, depth: Int) -> FieldValue? {
        var reader = WireReader(bytes, range)
        switch reader.byte() {
        case UInt8(ascii: "t"): return reader.byte().map { .bool($0 != 0) }
        case UInt8(ascii: "b"): return reader.number(Int8.self).map { .int64(Int64($0)) }
        case UInt8(ascii: "B"): return reader.number(UInt8.self).map { .int64(Int64($0)) }
        case UInt8(ascii: "s"): return reader.number(Int16.self).map { .int64(Int64($0)) }
        case UInt8(ascii: "u"): return reader.number(UInt16.self).map { .int64(Int64($0)) }
        case UInt8(ascii: "I"): return reader.number(Int32.self).map { .int64(Int64($0)) }
        case UInt8(ascii: "i"): return reader.number(UInt32.self).map { .int64(Int64($0)) }
        case UInt8(ascii: "l"): return reader.number(Int64.self).map { .int64($0) }
        case UInt8(ascii: "L"):
            guard let number = reader.number(UInt64.self) else { return nil }
            return Int64(exactly: number).map { .int64($0) }
        case UInt8(ascii: "f"): return reader.number(UInt32.self).map { .double(Double(Float(bitPattern: $0))) }
        case UInt8(ascii: "d"): return reader.number(UInt64.self).map { .double(Double(bitPattern: $0)) }
        case UInt8(ascii: "T"): return reader.number(UInt64.self).map { .timestamp($0) }
        case UInt8(ascii: "D"):
            guard let scale = reader.byte(), let value = reader.number(Int32.self) else { return nil }
            return .decimal(scale: scale, value)
        case UInt8(ascii: "S"): return reader.long().map { .string(WireText.text(Array(bytes[$0]))) }
        case UInt8(ascii: "x"): return reader.long().map { .bytes(Array(bytes[$0])) }
        case UInt8(ascii: "V"): return .void
        case UInt8(ascii: "A"):
            guard depth < depthLimit, let inside = reader.long() else { return nil }
            return items(bytes, inside, depth: depth).map { .array($0) }
        case UInt8(ascii: "F"):
            guard depth < depthLimit, let inside = reader.long() else { return nil }
            return table(bytes, inside, depth: depth).map { .table($0) }
        default: return nil
        }
    }

    private static func items(_ bytes: [UInt8], _ range: Range<Int>, depth: Int) -> [FieldValue]? {
        var reader = WireReader(bytes, range)
        var items: [FieldValue] = []
        while !reader.isAtEnd {
            guard let item = skip(&reader) else { return nil }
            items.append(value(bytes, item, depth: depth + 1) ?? .encoded(Array(bytes[item])))
        }
        return items
    }

    private static func table(_ bytes: [UInt8], _ range: Range<Int>, depth: Int) -> FieldTable? {
        var reader = WireReader(bytes, range)
        var table: FieldTable = [:]
        while !reader.isAtEnd {
            guard let key = reader.short(), let item = skip(&reader) else { return nil }
            table[WireText.text(Array(bytes[key]))] =
                value(bytes, item, depth: depth + 1) ?? .encoded(Array(bytes[item]))
        }
        return table
    }

    /// Appends a value as AMQP writes it.
    /// - Returns: false when AMQP can't carry it.
    static func append(_ value: FieldValue, to bytes: inout [UInt8]) -> Bool {
        func put(_ kind: Unicode.Scalar, _ content: [UInt8]) { bytes += [UInt8(ascii: kind)] + content }
        switch value {
        case .string(let text):
            let content = WireText.bytes(text)
            put("S", bigEndian(UInt32(content.count)))
            bytes += content
        case .int64(let number): put("l", bigEndian(number))
        case .bool(let flag): put("t", [flag ? 1 : 0])
        case .double(let number): put("d", bigEndian(number.bitPattern))
        case .bytes(let content):
            put("x", bigEndian(UInt32(content.count)))
            bytes += content
        case .timestamp(let seconds): put("T", bigEndian(seconds))
        case .decimal(let scale, let number): put("D", [scale] + bigEndian(number))
        case .void: put("V", [])
        case .encoded(let content): bytes += content
        case .array(let items):
            bytes.append(UInt8(ascii: "A"))
            return sized(&bytes) { bytes in items.allSatisfy { append($0, to: &bytes) } }
        case .table(let table):
            bytes.append(UInt8(ascii: "F"))
            return sized(&bytes) { bytes in table.allSatisfy { append($0.key, $0.value, to: &bytes) } }
        }
        return true
    }

    /// Appends one entry of a table.
    static func append(_ key: String, _ value: FieldValue, to bytes: inout [UInt8]) -> Bool {
        appendShort(key, to: &bytes) && append(value, to: &bytes)
    }

    /// - Returns: false for more than 255 bytes.
    static func appendShort(_ text: String, to bytes: inout [UInt8]) -> Bool {
        let content = WireText.bytes(text)
        guard let length = UInt8(exactly: content.count) else { return false }
        bytes.append(length)
        bytes += content
        return true
    }

    static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        stride(from: number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    /// Puts the length of what `fill` appends before it.
    static func sized(_ bytes: inout [UInt8], _ fill: (inout [UInt8]) -> Bool) -> Bool {
        let start = bytes.count
        bytes += [0, 0, 0, 0]
        guard fill(&bytes) else { return false }
        bytes.replaceSubrange(start..<start + 4, with: bigEndian(UInt32(bytes.count - start - 4)))
        return true
    }
}
