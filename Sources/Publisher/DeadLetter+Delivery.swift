package import AMQP
internal import FoundationEssentials
package import Store
package import WorkOrders

extension DeadLetter {
    /// A delivery that can't become a work order, with all its properties for whoever inspects it.
    package init(_ problem: InvalidMessage, _ delivery: Delivery) {
        self.init(
            reason: problem.reason, explanation: problem.explanation,
            workOrderID: delivery.properties.messageID.flatMap(UUID.init(uuidString:)), exchange: delivery.exchange,
            routingKey: delivery.routingKey, body: delivery.body, headers: Self.headers(of: delivery),
            isRedelivered: delivery.redelivered)
    }

    /// The properties and headers of a delivery as a JSON object without NUL.
    package static func headers(of delivery: Delivery) -> String {
        var fields: [String: String] = [:]
        fields["message_id"] = delivery.properties.messageID
        fields["type"] = delivery.properties.type
        fields["content_type"] = delivery.properties.contentType
        fields["app_id"] = delivery.properties.appID
        fields["correlation_id"] = delivery.properties.correlationID
        fields["reply_to"] = delivery.properties.replyTo
        // The broker's own count changes with every delivery, and the message doesn't.
        for (name, value) in delivery.properties.headers where name != "x-delivery-count" {
            fields["header.\(name)"] = "\(value)"
        }
        let clean = Dictionary(
            fields.map { ($0.withoutNUL, $1.withoutNUL) }, uniquingKeysWith: { first, _ in first })
        // Texts always encode.
        return (try? JSONEncoder().encode(clean)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
