package import FoundationEssentials
package import Postgres

/// Equal failures, counted.
package struct Escalation: Sendable {
    package let id: UUID
    package let state: String
    package let trigger: String
    package let failureClass: String
    package let severity: String
    package let component: String
    package let operation: String
    package let handler: String?
    package let message: String
    package let workOrderID: UUID?
    package let count: Int
    package let options: String
    package let firstSeen: Date
    package let lastSeen: Date

    static let columns = """
        id, state, trigger_type, failure_class, severity, component, operation, handler, message, work_order_id, count,
        options, first_seen, last_seen
        """

    /// - Returns: nil when there is none of this id.
    package static func find(_ id: UUID, in database: PostgresClient) async throws -> Escalation? {
        try await database.run("SELECT \(unescaped: columns) FROM moose.escalations WHERE id = \(id)")
            .first.map(Escalation.init)
    }

    init(_ row: PostgresRow) throws {
        (
            id, state, trigger, failureClass, severity, component, operation, handler, message, workOrderID, count,
            options, firstSeen, lastSeen
        ) = try row.decode()
    }

    package var json: [String: JSONValue] {
        [
            "id": .id(id), "state": .string(state), "trigger_type": .string(trigger),
            "failure_class": .string(failureClass), "severity": .string(severity), "component": .string(component),
            "operation": .string(operation), "handler": .text(handler), "message": .string(message),
            "work_order_id": .id(workOrderID), "count": .count(count), "options": .document(options),
            "first_seen": .time(firstSeen), "last_seen": .time(lastSeen),
        ]
    }
}
