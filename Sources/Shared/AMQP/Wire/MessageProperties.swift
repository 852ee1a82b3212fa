/// What travels beside a message's body, for reading and writing; its texts are as ``WireText`` has them.
package struct MessageProperties: Sendable, Equatable {
    /// How the broker keeps a message.
    package enum DeliveryMode: UInt8, Sendable {
        case transient = 1
        case persistent = 2
    }

    package var messageID: String?
    package var contentType: String?
    package var contentEncoding: String?
    package var type: String?
    /// The publishing service.
    package var appID: String?
    package var correlationID: String?
    package var replyTo: String?
    /// Seconds since 1970.
    package var timestamp: UInt64?
    package var priority: UInt8?
    /// Milliseconds until the broker drops it, as a text.
    package var expiration: String?
    /// Who published it, checked by the broker. Only read: ``WireProperties/forwarded(without:adding:messageID:)`` leaves it behind.
    package var userID: String?
    /// Of no meaning any more, and sent on as it came.
    package var clusterID: String?
    /// Default persistent.
    package var deliveryMode: DeliveryMode
    package var headers: FieldTable

    package init(
        messageID: String? = nil, contentType: String? = nil, type: String? = nil, appID: String? = nil,
        correlationID: String? = nil, replyTo: String? = nil, timestamp: UInt64? = nil,
        deliveryMode: DeliveryMode = .persistent, headers: FieldTable = [:]
    ) {
        self.messageID = messageID
        self.contentType = contentType
        self.type = type
        self.appID = appID
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.timestamp = timestamp
        self.deliveryMode = deliveryMode
        self.headers = headers
    }
}
