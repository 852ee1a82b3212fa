internal import AMQP
internal import FoundationEssentials
internal import Store
internal import WorkOrders

/// Turns a message of the escalation queue into an event that can be counted. Whatever arrives is counted: what can't
/// be read becomes an event of its own.
enum EventClassifier {
    static func classify(_ delivery: Delivery) -> ClassifiedEvent {
        let messageID = delivery.properties.messageID.flatMap(UUID.init(strict:))
        do throws(UnreadableEvent) {
            return classify(try LenientErrorEvent.read(delivery.body).event(fallbackID: messageID))
        } catch {
            return classify(
                ErrorEvent(
                    id: messageID ?? UUID.timeOrdered(), component: "client-manager", operation: "intake",
                    severity: severity(of: delivery.routingKey), message: "an error event could not be read",
                    failureClass: .malformedOutput,
                    details: [
                        DetailKey.body: String(decoding: delivery.body.prefix(500), as: UTF8.self),
                        DetailKey.why: error.words,
                    ].named))
        }
    }

    /// What its sender published it under, `error.<severity>.<component>`, says even of an event that can't be read.
    private static func severity(of routingKey: String) -> Severity {
        let words = routingKey.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        return words.count > 1 && words[0] == "error" ? Severity(rawValue: String(words[1])) ?? .warning : .warning
    }

    static func classify(_ event: ErrorEvent) -> ClassifiedEvent {
        var event = event
        let failureClass = failureClass(of: event)
        event.failureClass = failureClass.rawValue
        let trigger = TriggerType.of(event)
        return ClassifiedEvent(
            id: event.id, fingerprint: Fingerprint.of(event).withoutNUL, trigger: trigger.rawValue,
            failureClass: failureClass.rawValue, severity: event.severity.rawValue,
            component: event.component.clipped(to: 200).withoutNUL,
            operation: event.operation.clipped(to: 200).withoutNUL,
            handler: event.details?[.handler]?.clipped(to: 200).withoutNUL,
            message: event.message.clipped(to: 4000).withoutNUL, workOrderID: event.workOrderID,
            // PostgreSQL keeps an escaped NUL in `json` and then can't read a text out of it.
            details: json(
                Dictionary((event.details ?? [:]).map { ($0.key.withoutNUL, $0.value.withoutNUL) }) { first, _ in first
                }),
            occurredAt: event.occurredAt.flatMap(Date.init(rfc3339:)) ?? Date(),
            options: json(
                ResolutionOption.options(
                    for: trigger, hasOrder: event.workOrderID != nil || event.details?[.deadLetter] != nil)))
    }

    /// The reporter's word; else the facts among the details; else what the message says. A word that is no class says
    /// that the reporter knew better than the list: it stays unknown.
    private static func failureClass(of event: ErrorEvent) -> FailureClass {
        if let said = event.failureClass { return FailureClass(rawValue: said) ?? .unknown }
        return event.details.flatMap(FailureClass.of(details:)) ?? FailureClass.of(text: event.message) ?? .unknown
    }

    private static func json(_ value: some Encodable) -> String {
        // Texts and arrays of texts always encode.
        (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
