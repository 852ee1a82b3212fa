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
        ).rows.map { row in
            DeadLetterEvent(
                at: try row.decode(0), action: try row.decode(1), who: try row.decode(2), detail: try row.decode(3),
                why: try row.decode(4))
        }
    }

    package var json: JSONValue {
        ["at": .time(at), "action": .string(action), "who": .string(who), "detail": .text(detail), "why": .text(why)]
    }
}
