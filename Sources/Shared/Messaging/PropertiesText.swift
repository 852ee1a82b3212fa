internal import AMQP
internal import FoundationEssentials

/// Writes properties as JSON for people and queries; never longer than a few times its limit, whatever the message holds. What
/// is sent on is the ``WireProperties``, not this.
///
/// What JSON has no type for is an object with one key: `{"!bytes": "<base64>"}`, `{"!timestamp": 1}`, `{"!double": 1}`,
/// `{"!decimal": "3.14"}`, `{"!encoded": "<base64>"}`; a table that looks like one is `{"!table": {…}}`. A long text or
/// value is its beginning, with `"of_bytes"` beside it; `"!left_out"` counts what there was no more room for.
struct PropertiesText {
    private static let limit = 65_536
    /// Of a single text or value.
    private static let valueLimit = 12_288

    private(set) var bytes: [UInt8] = []

    init(_ properties: MessageProperties) {
        var fields: [(String, FieldValue)] = [
            ("app_id", properties.appID), ("cluster_id", properties.clusterID),
            ("content_encoding", properties.contentEncoding), ("content_type", properties.contentType),
            ("correlation_id", properties.correlationID), ("expiration", properties.expiration),
            ("message_id", properties.messageID), ("reply_to", properties.replyTo), ("type", properties.type),
            ("user_id", properties.userID),
        ].compactMap { name, text in text.map { (name, .string($0)) } }
        fields.append(("delivery_mode", .int64(Int64(properties.deliveryMode.rawValue))))
        if let priority = properties.priority { fields.append(("priority", .int64(Int64(priority)))) }
        if !properties.headers.isEmpty { fields.append(("headers", .table(properties.headers))) }
        bytes.append(UInt8(ascii: "{"))
        if let timestamp = properties.timestamp { put(#""timestamp":\#(timestamp),"#) }
        for (index, field) in fields.sorted(by: { $0.0 < $1.0 }).enumerated() {
            if index > 0 { put(",") }
            text(field.0)
            put(":")
            // The headers themselves are never taken for an object with one key.
            if field.0 == "headers", case .table(let table) = field.1 { entries(table) } else { value(field.1) }
        }
        put("}")
    }

    private mutating func value(_ value: FieldValue) {
        switch value {
        case .void: put("null")
        case .bool(let flag): put(flag ? "true" : "false")
        case .int64(let number): put("\(number)")
        case .string(let text):
            guard text.utf8.count > Self.valueLimit else { return self.text(text) }
            put(#"{"!text":"#)
            self.text(String(text.unicodeScalars.prefix(Self.valueLimit / 4)))
            put(#","of_bytes":\#(text.utf8.count)}"#)
        case .double(let number):
            if number.isNaN {
                put(#"{"!double":"nan"}"#)
            } else if number.isInfinite {
                put(#"{"!double":"\#(number < 0 ? "-inf" : "inf")"}"#)
            } else {
                put(#"{"!double":\#(number)}"#)
            }
        case .timestamp(let seconds): put(#"{"!timestamp":\#(seconds)}"#)
        case .decimal(let scale, let number): put(#"{"!decimal":"\#(Self.decimal(scale, number))"}"#)
        case .bytes(let bytes): base64("!bytes", bytes)
        case .encoded(let bytes): base64("!encoded", bytes)
        case .array(let items):
            put("[")
            for (index, item) in items.enumerated() {
                if index > 0 { put(",") }
                guard bytes.count < Self.limit else {
                    put(#"{"!left_out":\#(items.count - index)}"#)
                    break
                }
                self.value(item)
            }
            put("]")
        case .table(let table):
            let isStrange = table.count == 1 && table.keys.first?.hasPrefix("!") == true
            if isStrange { put(#"{"!table":"#) }
            entries(table)
            if isStrange { put("}") }
        }
    }

    private mutating func entries(_ table: FieldTable) {
        put("{")
        for (index, entry) in table.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { put(",") }
            guard bytes.count < Self.limit else {
                put(#""!left_out":\#(table.count - index)"#)
                break
            }
            text(entry.key)
            put(":")
            value(entry.value)
        }
        put("}")
    }

    private mutating func base64(_ name: String, _ content: [UInt8]) {
        let kept = content.prefix(Self.valueLimit)
        put(#"{"\#(name)":"\#(Data(kept).base64EncodedString())""#)
        if kept.count < content.count { put(#","of_bytes":\#(content.count)"#) }
        put("}")
    }

    private mutating func text(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        // From the wire none has a NUL; one that code made gets the form it would have had.
        for byte in (text.utf8.contains(0) ? WireText.text(Array(text.utf8)) : text).utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20: put(#"\u00\#(byte < 16 ? "0" : "")\#(String(byte, radix: 16))"#)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func put(_ text: String) { bytes += text.utf8 }

    /// The digits with their point: a scale may be any byte, and shifts it at most 255 places.
    static func decimal(_ scale: UInt8, _ number: Int32) -> String {
        let digits = String(number.magnitude)
        let padded = String(repeating: "0", count: max(0, Int(scale) + 1 - digits.count)) + digits
        let whole = padded.dropLast(Int(scale))
        return (number < 0 ? "-" : "") + whole + (scale == 0 ? "" : "." + padded.suffix(Int(scale)))
    }
}
