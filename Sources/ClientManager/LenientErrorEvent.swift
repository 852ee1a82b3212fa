internal import FoundationEssentials
internal import WorkOrders

/// Why an error event tells nothing.
struct UnreadableEvent: Error {
    /// Names the field.
    let words: String
}

/// An error event as services really send it: only the message is needed. A field that can't be read, or says nothing,
/// is left out and named among the details; the event is counted all the same.
struct LenientErrorEvent: Decodable {
    private var id: UUID?
    private var component: String?
    private var operation: String?
    private var severity: Severity?
    private let message: String
    private var workOrderID: UUID?
    private var failureClass: String?
    private var details: [String: Detail]?
    private var occurredAt: String?
    /// Fields that are there and can't be read.
    private var unread: [String] = []

    private enum CodingKeys: String, CodingKey {
        case id, component, operation, severity, message, details
        case workOrderID = "work_order_id"
        case failureClass = "failure_class"
        case occurredAt = "occurred_at"
    }

    /// - Throws: where it is no JSON object with a message, or names something twice.
    static func read(_ body: [UInt8]) throws(UnreadableEvent) -> LenientErrorEvent {
        guard (try? UTF8Span(validating: body.span)) != nil else {
            throw UnreadableEvent(words: "the body is not valid UTF-8")
        }
        switch JSONSyntax.fault(in: body) {
        case nil: break
        case .malformed: throw UnreadableEvent(words: "the body is not valid JSON")
        case .repeatedName(let name): throw UnreadableEvent(words: "\(name) stands twice in its object")
        }
        do {
            return try JSONDecoder().decode(LenientErrorEvent.self, from: Data(body))
        } catch DecodingError.keyNotFound(let key, _) {
            throw UnreadableEvent(words: "\(key.stringValue) is missing")
        } catch DecodingError.typeMismatch(_, let context) where context.codingPath.isEmpty {
            throw UnreadableEvent(words: "the body is no JSON object")
        } catch {
            // All other fields may be anything; the decoder's own words may quote the input.
            throw UnreadableEvent(words: "message is no text that can be read")
        }
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        message = try fields.decode(String.self, forKey: .message)
        var reading = Reading(fields: fields)
        id = reading.id(.id)
        component = reading.value(String.self, .component)
        operation = reading.value(String.self, .operation)
        severity = reading.value(Severity.self, .severity)
        workOrderID = reading.id(.workOrderID)
        failureClass = reading.value(String.self, .failureClass)
        details = reading.value([String: Detail].self, .details)
        occurredAt = reading.value(String.self, .occurredAt)
        unread = reading.unread
    }

    private struct Reading {
        let fields: KeyedDecodingContainer<CodingKeys>
        var unread: [String] = []

        mutating func value<Value: Decodable>(_ type: Value.Type, _ key: CodingKeys) -> Value? {
            do {
                return try fields.decodeIfPresent(type, forKey: key)
            } catch {
                // Named among the event's details, and counted without it.
                unread.append(key.stringValue)
                return nil
            }
        }

        mutating func id(_ key: CodingKeys) -> UUID? {
            guard let text = value(String.self, key) else { return nil }
            guard let id = UUID(strict: text) else {
                unread.append(key.stringValue)
                return nil
            }
            return id
        }
    }

    /// Any JSON scalar as text; anything deeper is left out.
    private struct Detail: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                self.text = text
            } else if let flag = try? value.decode(Bool.self) {
                text = flag ? "true" : "false"
            } else if let number = try? value.decode(Decimal.self) {
                text = "\(number)"
            } else {
                text = "(not a scalar)"
            }
        }
    }

    func event(fallbackID: UUID?) -> ErrorEvent {
        var details = details?.mapValues(\.text)
        if !unread.isEmpty { details = (details ?? [:]).adding(unread.joined(separator: ", "), as: .unread) }
        var event = ErrorEvent(
            id: id ?? fallbackID ?? .timeOrdered(), component: Self.name(component), operation: Self.name(operation),
            severity: severity ?? .warning, message: message, workOrderID: workOrderID, details: details)
        event.failureClass = failureClass
        event.occurredAt = occurredAt
        return event
    }

    /// Who or what, of 1 to 200 characters: what says nothing is unknown, and what goes on and on is cut.
    private static func name(_ text: String?) -> String {
        guard let text, !text.isEmpty else { return "unknown" }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(200)))
    }
}
