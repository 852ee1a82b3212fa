package import FoundationEssentials

/// A message as a line of a spool file: all that publishing it needs, its id included, so that a replay counts once.
package struct SpoolRecord: Sendable, Equatable {
    /// The message's id, given before it was spooled.
    package var id: UUID
    package var exchange: String
    package var routingKey: String
    package var type: String?
    package var contentType: String?
    package var appID: String?
    package var correlationID: String?
    package var replyTo: String?
    /// Headers whose values are texts; Moose's messages have no others.
    package var headers: [String: String]
    package var body: [UInt8]
    package var spooledAt: Date

    package init(
        id: UUID, exchange: String, routingKey: String, type: String?, contentType: String? = nil,
        appID: String? = nil, correlationID: String? = nil, replyTo: String? = nil, headers: [String: String] = [:],
        body: [UInt8], spooledAt: Date = Date()
    ) {
        self.id = id
        self.exchange = exchange
        self.routingKey = routingKey
        self.type = type
        self.contentType = contentType
        self.appID = appID
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.headers = headers
        self.body = body
        self.spooledAt = spooledAt
    }

    /// Reads one line without its line break; nil for anything that is no whole record, such as a torn write.
    package init?(line: [UInt8]) {
        do {
            self = try JSONDecoder().decode(SpoolRecord.self, from: Data(line))
        } catch {
            // Whoever reads the file keeps the line aside and says so.
            return nil
        }
    }

    /// One line of JSON with its line break. JSON escapes line breaks, so a record never has two.
    package var line: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and dates always encode.
        return Array((try? encoder.encode(self)) ?? Data()) + [UInt8(ascii: "\n")]
    }
}

extension SpoolRecord: Codable {
    enum CodingKeys: String, CodingKey {
        case id, exchange, type, headers, body
        case routingKey = "routing_key"
        case contentType = "content_type"
        case appID = "app_id"
        case correlationID = "correlation_id"
        case replyTo = "reply_to"
        case bodyBase64 = "body_base64"
        case spooledAt = "spooled_at_ms"
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(UUID.self, forKey: .id)
        exchange = try fields.decode(String.self, forKey: .exchange)
        routingKey = try fields.decode(String.self, forKey: .routingKey)
        type = try fields.decodeIfPresent(String.self, forKey: .type)
        contentType = try fields.decodeIfPresent(String.self, forKey: .contentType)
        appID = try fields.decodeIfPresent(String.self, forKey: .appID)
        correlationID = try fields.decodeIfPresent(String.self, forKey: .correlationID)
        replyTo = try fields.decodeIfPresent(String.self, forKey: .replyTo)
        headers = try fields.decodeIfPresent([String: String].self, forKey: .headers) ?? [:]
        if let text = try fields.decodeIfPresent(String.self, forKey: .body) {
            body = Array(text.utf8)
        } else {
            body = Array(try fields.decode(Data.self, forKey: .bodyBase64))
        }
        spooledAt = Date(timeIntervalSince1970: Double(try fields.decode(Int64.self, forKey: .spooledAt)) / 1000)
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(id.uuidString.lowercased(), forKey: .id)
        try fields.encode(exchange, forKey: .exchange)
        try fields.encode(routingKey, forKey: .routingKey)
        try fields.encodeIfPresent(type, forKey: .type)
        try fields.encodeIfPresent(contentType, forKey: .contentType)
        try fields.encodeIfPresent(appID, forKey: .appID)
        try fields.encodeIfPresent(correlationID, forKey: .correlationID)
        try fields.encodeIfPresent(replyTo, forKey: .replyTo)
        if !headers.isEmpty { try fields.encode(headers, forKey: .headers) }
        // A body is nearly always text, and then a person can read the file.
        if let text = String(validating: body, as: UTF8.self) {
            try fields.encode(text, forKey: .body)
        } else {
            try fields.encode(Data(body), forKey: .bodyBase64)
        }
        try fields.encode(Int64(spooledAt.timeIntervalSince1970 * 1000), forKey: .spooledAt)
    }
}
