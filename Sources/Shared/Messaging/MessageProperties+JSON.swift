package import AMQP
internal import FoundationEssentials

extension MessageProperties {
    /// Properties and headers as a JSON object for people and queries, bounded; ``PropertiesText`` tells its form.
    package var json: String { String(decoding: PropertiesText(self).bytes, as: UTF8.self) }

    /// Reads the JSON of a letter that stands for an order, whose message is gone; unknown fields are ignored.
    /// - Throws: `DecodingError`.
    package init(json: String) throws {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        self = try decoder.decode(Stored.self, from: Data(json.utf8)).properties
    }
}

/// The properties as they stand in the database.
private struct Stored: Decodable {
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
    var userID: String?
    var clusterID: String?
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
        case userID = "user_id"
        case clusterID = "cluster_id"
        case deliveryMode = "delivery_mode"
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
        result.userID = userID
        result.clusterID = clusterID
        return result
    }
}

/// One header with its type.
private struct StoredField: Decodable {
    let value: FieldValue

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
}

/// The objects with one key.
private struct Typed: Decodable {
    var bytes: Data?
    var timestamp: UInt64?
    var double: Double?
    var decimal: String?
    var encoded: Data?
    var table: [String: StoredField]?

    enum CodingKeys: String, CodingKey {
        case bytes = "!bytes"
        case timestamp = "!timestamp"
        case double = "!double"
        case decimal = "!decimal"
        case encoded = "!encoded"
        case table = "!table"
    }

    var value: FieldValue? {
        if let bytes { return .bytes(Array(bytes)) }
        if let timestamp { return .timestamp(timestamp) }
        if let double { return .double(double) }
        if let encoded { return .encoded(Array(encoded)) }
        if let decimal {
            let parts = decimal.split(separator: ".", omittingEmptySubsequences: false)
            let places = parts.count == 2 ? parts[1].count : 0
            guard let scale = UInt8(exactly: places), let number = Int32(parts.joined()) else { return nil }
            return .decimal(scale: scale, number)
        }
        return table.map { .table($0.mapValues(\.value)) }
    }
}
