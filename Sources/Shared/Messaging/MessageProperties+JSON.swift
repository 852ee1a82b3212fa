package import AMQP
internal import FoundationEssentials

extension MessageProperties {
    /// All properties and headers as a JSON object with sorted keys: the same message always gives the same text.
    ///
    /// What JSON has no type for is an object with one key: `{"!bytes": "<base64>"}`, `{"!timestamp": 1}`,
    /// `{"!double": 1}`; a table that looks like one is `{"!table": {…}}`.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        // Texts, numbers and tables of them always encode.
        return (try? encoder.encode(Stored(self))).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// Reads ``json`` back; unknown fields are ignored.
    /// - Throws: `DecodingError`.
    package init(json: String) throws {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        self = try decoder.decode(Stored.self, from: Data(json.utf8)).properties
    }
}

/// The properties as they stand in the database.
private struct Stored: Codable {
    var messageID: String?
    var type: String?
    var contentType: String?
    var contentEncoding: String?
    var appID: String?
    var correlationID: String?
    var replyTo: String?
    var timestamp: UInt64?
    var priority: UInt8?
    var expiration: String?
    var deliveryMode: UInt8?
    var headers: [String: StoredField]?

    enum CodingKeys: String, CodingKey {
        case messageID = "message_id"
        case type
        case contentType = "content_type"
        case contentEncoding = "content_encoding"
        case appID = "app_id"
        case correlationID = "correlation_id"
        case replyTo = "reply_to"
        case timestamp, priority, expiration, headers
        case deliveryMode = "delivery_mode"
    }

    init(_ properties: MessageProperties) {
        messageID = properties.messageID
        type = properties.type
        contentType = properties.contentType
        contentEncoding = properties.contentEncoding
        appID = properties.appID
        correlationID = properties.correlationID
        replyTo = properties.replyTo
        timestamp = properties.timestamp
        priority = properties.priority
        expiration = properties.expiration
        deliveryMode = properties.deliveryMode.rawValue
        headers = properties.headers.isEmpty ? nil : properties.headers.mapValues(StoredField.init)
    }

    var properties: MessageProperties {
        var result = MessageProperties(
            messageID: messageID, contentType: contentType, type: type, appID: appID, correlationID: correlationID,
            replyTo: replyTo, timestamp: timestamp,
            deliveryMode: deliveryMode.flatMap(MessageProperties.DeliveryMode.init(rawValue:)) ?? .persistent,
            headers: (headers ?? [:]).mapValues(\.value))
        result.contentEncoding = contentEncoding
        result.priority = priority
        result.expiration = expiration
        return result
    }
}

/// One header with its type.
private struct StoredField: Codable {
    let value: FieldValue

    init(_ value: FieldValue) { self.value = value }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .void
        } else if let flag = try? container.decode(Bool.self) {
            value = .bool(flag)
        } else if let number = try? container.decode(Int64.self) {
            value = .int64(number)
        } else if let text = try? container.decode(String.self) {
            value = .string(text)
        } else if let items = try? container.decode([StoredField].self) {
            value = .array(items.map(\.value))
        } else if let typed = try? container.decode(Typed.self), let special = typed.value {
            value = special
        } else {
            value = .table(try container.decode([String: StoredField].self).mapValues(\.value))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch value {
        case .void: try container.encodeNil()
        case .bool(let flag): try container.encode(flag)
        case .int64(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        case .array(let items): try container.encode(items.map(StoredField.init))
        case .double(let number): try container.encode(Typed(double: number))
        case .bytes(let bytes): try container.encode(Typed(bytes: Data(bytes)))
        case .timestamp(let seconds): try container.encode(Typed(timestamp: seconds))
        case .table(let table):
            let fields = table.mapValues(StoredField.init)
            if table.count == 1, table.keys.first?.hasPrefix("!") == true {
                try container.encode(Typed(table: fields))
            } else {
                try container.encode(fields)
            }
        }
    }
}

/// The objects with one key.
private struct Typed: Codable {
    var bytes: Data?
    var timestamp: UInt64?
    var double: Double?
    var table: [String: StoredField]?

    enum CodingKeys: String, CodingKey {
        case bytes = "!bytes"
        case timestamp = "!timestamp"
        case double = "!double"
        case table = "!table"
    }

    var value: FieldValue? {
        if let bytes { return .bytes(Array(bytes)) }
        if let timestamp { return .timestamp(timestamp) }
        if let double { return .double(double) }
        return table.map { .table($0.mapValues(\.value)) }
    }
}
