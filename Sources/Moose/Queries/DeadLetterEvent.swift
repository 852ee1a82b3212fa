internal import FoundationEssentials
internal import Postgres

/// What became of a dead letter, and who did it.
struct DeadLetterEvent: Sendable {
    let at: Date
    let action: String
    let who: String
    let detail: String?
    let why: String?

    /// The oldest first.
    static func of(_ letter: UUID, in database: PostgresClient) async throws -> [DeadLetterEvent] {
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

    var json: JSONValue {
        ["at": .time(at), "action": .string(action), "who": .string(who), "detail": .text(detail), "why": .text(why)]
    }
}
