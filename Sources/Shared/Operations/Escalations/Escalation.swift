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
        id = try row.decode(0)
        state = try row.decode(1)
        trigger = try row.decode(2)
        failureClass = try row.decode(3)
        severity = try row.decode(4)
        component = try row.decode(5)
        operation = try row.decode(6)
        handler = try row.decode(7)
        message = try row.decode(8)
        workOrderID = try row.decode(9)
        count = try row.decode(10)
        options = try row.decode(11)
        firstSeen = try row.decode(12)
        lastSeen = try row.decode(13)
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
