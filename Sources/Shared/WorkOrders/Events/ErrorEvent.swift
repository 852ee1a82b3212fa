package import FoundationEssentials

/// Something went wrong and somebody should know: the body of a `moose.error-event.v1` message.
package struct ErrorEvent: Sendable, Equatable, Codable {
    /// The same on every path the event takes, so that it counts once.
    package var id: UUID
    /// Who reports: `worker`, `proposer`, `sentinel`, …
    package var component: String
    /// What it was doing: `run`, `claim`, …
    package var operation: String
    package var severity: Severity
    package var message: String
    package var workOrderID: UUID?
    /// One of ``FailureClass``; another text counts as `unknown`.
    package var failureClass: String?
    /// Anything else worth knowing, as texts by name.
    package var details: [String: String]?
    package var occurredAt: String?

    enum CodingKeys: String, CodingKey {
        case id, component, operation, severity, message, details
        case workOrderID = "work_order_id"
        case failureClass = "failure_class"
        case occurredAt = "occurred_at"
    }

    package init(
        id: UUID = .timeOrdered(), component: String, operation: String, severity: Severity, message: String,
        workOrderID: UUID? = nil, failureClass: FailureClass? = nil, details: [String: String]? = nil,
        occurredAt: Date = Date()
    ) {
        self.id = id
        self.component = component
        self.operation = operation
        self.severity = severity
        self.message = message
        self.workOrderID = workOrderID
        self.failureClass = failureClass?.rawValue
        self.details = details
        self.occurredAt = occurredAt.rfc3339
    }

    /// Ids in lower case, as everywhere.
    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(id.text, forKey: .id)
        try fields.encode(component, forKey: .component)
        try fields.encode(operation, forKey: .operation)
        try fields.encode(severity, forKey: .severity)
        try fields.encode(message, forKey: .message)
        try fields.encodeIfPresent(workOrderID?.text, forKey: .workOrderID)
        try fields.encodeIfPresent(failureClass, forKey: .failureClass)
        try fields.encodeIfPresent(details, forKey: .details)
        try fields.encodeIfPresent(occurredAt, forKey: .occurredAt)
    }

    /// The routing key on `moose.events`: `error.<severity>.<component>`. What is no ASCII letter or digit is replaced:
    /// AMQP gives some characters a meaning, and allows 255 bytes in all.
    package var routingKey: String {
        let safe = component.utf8.prefix(100).map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        return "error.\(severity.rawValue).\(safe.isEmpty ? "_" : String(decoding: safe, as: UTF8.self))"
    }
}
