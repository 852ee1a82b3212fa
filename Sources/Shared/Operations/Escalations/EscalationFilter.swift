package import FoundationEssentials
package import Postgres

/// Which escalations a list shows.
package struct EscalationFilter: Sendable {
    /// Resolved ones too. Default false.
    package var all: Bool
    /// Only what is listed after this escalation, the last of the page before.
    package var after: UUID?

    package init(all: Bool = false, after: UUID? = nil) {
        self.all = all
        self.after = after
    }

    /// The last seen first.
    package func newest(_ limit: Int, in database: PostgresClient) async throws -> [Escalation] {
        try await database.run(
            """
            SELECT \(unescaped: Escalation.columns) FROM moose.escalations
            WHERE (\(all) OR state <> 'resolved')
              AND (\(after)::uuid IS NULL OR (last_seen, id) < (
                  SELECT x.last_seen, x.id FROM moose.escalations x WHERE x.id = \(after)))
            ORDER BY last_seen DESC, id DESC LIMIT \(limit)
            """
        ).rows.map(Escalation.init)
    }
}
