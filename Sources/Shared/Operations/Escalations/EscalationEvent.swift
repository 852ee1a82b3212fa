package import FoundationEssentials
package import Postgres

/// One failure that an escalation counted.
package struct EscalationEvent: Sendable {
    package let id: UUID
    package let workOrderID: UUID?
    package let message: String
    package let details: String
    package let occurredAt: Date

    /// The newest few.
    package static func samples(
        of escalation: UUID, limit: Int, in database: PostgresClient
    ) async throws -> [EscalationEvent] {
        try await database.run(
            """
            SELECT event_id, work_order_id, message, details, occurred_at FROM moose.escalation_events
            WHERE escalation_id = \(escalation) ORDER BY recorded_at DESC LIMIT \(limit)
            """
        ).rows.decode().map(EscalationEvent.init)
    }

    package var json: JSONValue {
        [
            "event_id": .id(id), "work_order_id": .id(workOrderID), "message": .string(message),
            "details": .document(details), "occurred_at": .time(occurredAt),
        ]
    }
}
