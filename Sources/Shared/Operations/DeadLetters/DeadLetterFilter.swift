package import FoundationEssentials
package import Postgres

/// Which dead letters are meant; nil lets everything pass.
package struct DeadLetterFilter: Sendable {
    /// Which states are looked at.
    package enum State: String, Sendable, CaseIterable {
        case dead
        case redriven
        case purged
        case all

        /// With the state in the text of the query, so that its partial index serves.
        var clause: String {
            switch self {
            case .dead: "state = 'dead'"
            case .redriven: "state = 'redriven'"
            case .purged: "state = 'purged'"
            case .all: "true"
            }
        }
    }

    package var ids: [UUID] = []
    package var state = State.dead
    package var reason: String?
    package var kind: String?
    package var lane: String?
    package var queue: String?
    package var since: Date?
    package var until: Date?
    /// Anywhere in the explanation (in any case) or in the body (exactly so).
    package var text: String?
    /// Only what is listed after this letter.
    package var after: UUID?

    /// Those that are dead and fulfil all conditions that are given.
    package init(
        reason: String? = nil, kind: String? = nil, lane: String? = nil, queue: String? = nil, since: Date? = nil,
        until: Date? = nil, text: String? = nil
    ) {
        self.reason = reason
        self.kind = kind
        self.lane = lane
        self.queue = queue
        self.since = since
        self.until = until
        self.text = text
    }

    /// Without a condition it means all dead letters.
    package var isEverything: Bool {
        ids.isEmpty && [reason, kind, lane, queue, text].allSatisfy { $0 == nil } && since == nil && until == nil
    }

    /// The newest first.
    package func newest(_ limit: Int, in database: PostgresClient) async throws -> [DeadLetterSummary] {
        try await database.run(
            query("SELECT \(DeadLetterSummary.columns)", "ORDER BY created_at DESC, id DESC LIMIT \(limit)")
        )
        .rows.map(DeadLetterSummary.init)
    }

    /// All ids, the oldest first.
    package func letters(in database: PostgresClient) async throws -> [UUID] {
        try await database.run(query("SELECT id", "ORDER BY created_at, id")).rows.decode(UUID.self)
    }

    /// How many there are of each reason.
    package func counts(in database: PostgresClient) async throws -> [(reason: String, count: Int)] {
        try await database.run(query("SELECT reason, count(*)", "GROUP BY reason ORDER BY 2 DESC, 1")).rows
            .decode((String, Int).self).map { (reason: $0, count: $1) }
    }

    private func query(_ select: String, _ tail: String) -> Query {
        """
        \(unescaped: select) FROM moose.dead_letters
        WHERE \(unescaped: state.clause) AND (\(ids.isEmpty)::boolean OR id = ANY (\(ids)))
          AND (\(reason)::text IS NULL OR reason = \(reason)) AND (\(kind)::text IS NULL OR kind = \(kind))
          AND (\(lane)::text IS NULL OR lane = \(lane)) AND (\(queue)::text IS NULL OR queue = \(queue))
          AND (\(since)::timestamptz IS NULL OR created_at >= \(since))
          AND (\(until)::timestamptz IS NULL OR created_at < \(until))
          AND (\(text)::text IS NULL OR position(lower(\(text)::text) IN lower(explanation)) > 0
               OR position(convert_to(\(text)::text, 'UTF8') IN body) > 0)
          AND (\(after)::uuid IS NULL OR (created_at, id) < (
              SELECT x.created_at, x.id FROM moose.dead_letters x WHERE x.id = \(after)))
        \(unescaped: tail)
        """
    }
}
