package import AMQP

/// What the broker wrote into the headers of a message when it dead-lettered it last.
package struct BrokerDeath: Sendable, Equatable {
    /// Headers of this and of every redrive before: none may travel on, or 3.x takes the message for one that goes in
    /// circles and drops it silently.
    private static let ownHeaders: Set<String> = [
        "x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason", "x-last-death-exchange",
        "x-last-death-queue", "x-last-death-reason", "x-delivery-count", "x-acquired-count",
    ]

    /// The queue that gave it up.
    package let queue: String?
    /// `rejected`, `expired`, `maxlen` or `delivery_limit`.
    package let reason: String
    /// How often it died there for this reason.
    package let count: Int64?
    /// Seconds since 1970.
    package let time: UInt64?
    /// Where it had been published to.
    package let exchange: String?
    package let routingKey: String?

    /// Nil when it never died.
    package init?(_ headers: FieldTable) {
        var entry: FieldTable = [:]
        if case .array(let deaths)? = headers["x-death"], case .table(let newest)? = deaths.first { entry = newest }
        func text(_ value: FieldValue?) -> String? { if case .string(let text)? = value { text } else { nil } }
        guard
            let reason = text(entry["reason"]) ?? text(headers["x-last-death-reason"])
                ?? text(headers["x-first-death-reason"])
        else { return nil }
        self.reason = reason
        queue = text(entry["queue"]) ?? text(headers["x-first-death-queue"])
        exchange = text(entry["exchange"]) ?? text(headers["x-first-death-exchange"])
        if case .int64(let count)? = entry["count"] { self.count = count } else { count = nil }
        if case .timestamp(let time)? = entry["time"] { self.time = time } else { time = nil }
        if case .array(let keys)? = entry["routing-keys"] { routingKey = text(keys.first) } else { routingKey = nil }
    }

    /// How often a quorum queue has had the message back; 0 for a first delivery, nil where the queue doesn't count.
    package static func deliveryCount(_ headers: FieldTable) -> Int64? {
        if case .int64(let count)? = headers["x-delivery-count"] { count } else { nil }
    }

    /// Whether a header of this name belongs to the broker, and stays behind when a message is sent on.
    package static func isOwnHeader(_ name: String) -> Bool { ownHeaders.contains(name) }
}
