package import FoundationEssentials
package import Postgres

/// What became of a dead letter, and who did it.
package struct DeadLetterEvent: Sendable {
    package let at: Date
    package let action: String
    package let who: String
    package let detail: String?
    package let why: String?

    /// The oldest first.
    package static func of(_ letter: UUID, in database: PostgresClient) async throws -> [DeadLetterEvent] {
        try await database.run(
            """
            SELECT at, action, who, detail, why FROM moose.dead_letter_history
            WHERE letter_id = \(letter) ORDER BY at LIMIT 1000
            """
        ).rows.decode().map(DeadLetterEvent.init)
    }

    package var json: JSONValue {
        ["at": .time(at), "action": .string(action), "who": .string(who), "detail": .text(detail), "why": .text(why)]
    }
}
