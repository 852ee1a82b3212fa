internal import Crypto
package import FoundationEssentials
package import Postgres

/// How many of some publications go on no more by themselves: their order ended, is blocked behind one that failed or
/// was cancelled, or was another order's all along.
package struct OrdersEnded: Sendable {
    /// A body that was published under an id. The same twice is one.
    package struct Publication: Hashable, Sendable {
        package let id: UUID
        /// The first half of the body's SHA-256, as `moose.work_orders` keeps it.
        package let digest: [UInt8]

        package init(id: UUID, body: [UInt8]) {
            self.id = id
            digest = Array(SHA256.hash(data: body).prefix(16))
        }
    }

    package let completed: Int
    /// Failed, cancelled, or blocked for good.
    package let unsuccessful: Int
    /// Ids that were published before with another body: that order goes on, and this publication is a dead letter.
    package let reused: [UUID]
    /// These have not ended: CI or a person decides.
    package let inReview: Int

    package var ended: Int { completed + unsuccessful + reused.count }

    package static func count(_ publications: [Publication], _ client: PostgresClient) async throws -> OrdersEnded {
        let (completed, unsuccessful, reused, inReview) = try await client.row(
            """
            WITH RECURSIVE published AS (
                SELECT p.id, p.digest FROM unnest(\(publications.map(\.id)), \(publications.map(\.digest)))
                    AS p (id, digest)
            ), reached AS (
                SELECT w.id, w.state FROM published p JOIN moose.work_orders w ON w.id = p.id
                UNION
                SELECT x.id, x.state FROM reached r
                JOIN moose.work_order_dependencies d ON d.work_order_id = r.id
                JOIN moose.work_orders x ON x.id = d.depends_on
                WHERE r.state = 'blocked'
            ), stuck AS (
                SELECT r.id FROM reached r WHERE r.state IN ('failed', 'cancelled')
                UNION
                SELECT b.id FROM stuck s
                JOIN moose.work_order_dependencies d ON d.depends_on = s.id
                JOIN moose.work_orders b ON b.id = d.work_order_id AND b.state = 'blocked'
            ), judged AS (
                SELECT p.id, w.state, w.digest <> '' AND w.digest <> p.digest AS is_reused,
                       w.state IN ('failed', 'cancelled')
                           OR w.state = 'blocked' AND p.id IN (SELECT s.id FROM stuck s) AS is_lost
                FROM published p JOIN moose.work_orders w ON w.id = p.id
                UNION ALL
                SELECT p.id, f.state, f.digest <> '' AND f.digest <> p.digest, f.state IN ('failed', 'cancelled')
                FROM published p JOIN moose.find_pruned(\(publications.map(\.id))) f ON f.id = p.id
            )
            SELECT count(*) FILTER (WHERE NOT is_reused AND state = 'completed'),
                   count(*) FILTER (WHERE NOT is_reused AND is_lost),
                   coalesce(array_agg(id ORDER BY id) FILTER (WHERE is_reused), '{}'),
                   count(*) FILTER (WHERE NOT is_reused AND state = 'needs_review')
            FROM judged
            """, as: (Int, Int, [UUID], Int).self)
        return OrdersEnded(completed: completed, unsuccessful: unsuccessful, reused: reused, inReview: inReview)
    }
}
