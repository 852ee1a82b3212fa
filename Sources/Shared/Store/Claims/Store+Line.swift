package import FoundationEssentials
package import Postgres
internal import WorkOrders

/// Where the line stands, as one look found it.
package struct LineLook: Sendable {
    /// Lanes with something that can be taken now.
    package let lanes: Set<String>
    /// How long until there is more; nil: nothing is known to come.
    package let wait: Duration?
}

extension Store {
    /// Says that something was left in the line.
    package static let lineChannel = "moose_line"

    /// Takes what waits in these lanes and claims it, in one commit. What doesn't run has its reason in the database.
    ///
    /// - Parameters:
    ///   - counts: how many of each lane at most: as many as there are slots.
    ///   - claim: names this call; asking again with the same one after a lost reply gives the same leases.
    ///   - isRepeated: it is such a second call.
    package func take(
        _ counts: [String: Int], claim: UUID, terms: ClaimTerms, isRepeated: Bool
    ) async throws(PostgresError) -> [TakenOrder] {
        let lanes = counts.keys.sorted()
        let rows = try await postgres.run(
            """
            SELECT item, verdict, reason, token, attempt, estimate_u, max_attempts, timeout_seconds, handler, kind, lane,
                   title, traceparent, body, id, line
            FROM moose.take_batch(
                p_claim => \(claim), p_terms => \(terms.document)::jsonb, p_again => \(isRepeated), p_lanes => \(lanes),
                p_counts => \(lanes.map { Int32(clamping: counts[$0] ?? 0) }))
            """
        ).rows
        var orders: [TakenOrder] = []
        orders.reserveCapacity(rows.count)
        for row in rows {
            let id = try row.decode(14, as: UUID.self)
            let item = ClaimItem(form: .registered(id), body: [])
            orders.append(
                TakenOrder(id: id, lane: try row.decode(15, as: String.self), verdict: try Self.verdict(row, on: item)))
        }
        return orders
    }

    /// Puts what would be taken next off for a minute, and says which orders these are: to be claimed one by one, where
    /// taking them together failed.
    package func setApart(_ counts: [String: Int]) async throws(PostgresError) -> [(id: UUID, lane: String)] {
        let lanes = counts.keys.sorted()
        return try await postgres.run(
            "SELECT id, lane FROM moose.set_apart(\(lanes), \(lanes.map { Int32(clamping: counts[$0] ?? 0) }))"
        ).rows.decode((UUID, String).self).map { (id: $0, lane: $1) }
    }

    /// Says to whoever has slots free that something was left in the line.
    package func tellOfLine() async throws(PostgresError) {
        _ = try await postgres.run("SELECT pg_notify(\(Self.lineChannel), '')")
    }

    /// Whether something can be taken in these lanes by who knows these kinds.
    package func lookAtLine(lanes: [String], kinds: [String]) async throws(PostgresError) -> LineLook {
        let (found, wait) = try await postgres.row(
            "SELECT lanes, wait_seconds FROM moose.look_at_line(\(lanes), \(kinds))", as: ([String], Double?).self)
        return LineLook(lanes: Set(found), wait: wait.map { .seconds($0) })
    }
}

/// An order that was taken from the line, and what its claim decided.
package struct TakenOrder: Sendable {
    package let id: UUID
    /// Whose line it stood in.
    package let lane: String
    package let verdict: ClaimVerdict
}
