package import FoundationEssentials
package import Postgres
internal import WorkOrders

extension Store {
    private static let claimSQL = """
        SELECT item, verdict, reason, token, attempt, estimate_u, max_attempts, timeout_seconds, handler, kind, lane,
               title, traceparent, body
        FROM moose.claim_batch(
            p_claim => $1, p_terms => $2::jsonb, p_park => $3,
            p_ids => $4, p_kinds => $5, p_lanes => $6, p_titles => $7, p_projects => $8, p_agents => $9,
            p_estimates => $10, p_max_attempts => $11, p_timeouts => $12, p_run_at => $13, p_bodies => $14,
            p_app_ids => $15, p_reply_to => $16, p_correlation_ids => $17, p_traceparents => $18,
            p_flow => $19::jsonb[])
        """

    /// How many dependencies one commit writes. An order may name a thousand.
    private static let dependenciesAtATime = 4000

    /// Judges a batch of deliveries in one commit, or, where they name very many dependencies, in several: one verdict an
    /// item, in the order of the items.
    ///
    /// - Parameters:
    ///   - items: distinct ids; a few hundred are best.
    ///   - claim: names this call; asking again with the same one after a lost reply gives the same leases.
    ///   - park: there is no slot for any of them: register them, to be taken when there is one.
    ///   - isCanary: ask the database also with no item at all.
    package func claim(
        _ items: [ClaimItem], claim: UUID, terms: ClaimTerms, park: Bool = false, isCanary: Bool = false
    ) async throws(PostgresError) -> [ClaimVerdict] {
        guard !items.isEmpty else {
            return isCanary ? try await claimAtOnce([], claim: claim, terms: terms, park: park) : []
        }
        var verdicts: [ClaimVerdict] = []
        var rest = items[...]
        while !rest.isEmpty {
            var dependencies = rest[rest.startIndex].dependencies
            var end = rest.index(after: rest.startIndex)
            while end < rest.endIndex, dependencies + rest[end].dependencies <= Self.dependenciesAtATime {
                dependencies += rest[end].dependencies
                end += 1
            }
            verdicts += try await claimAtOnce(Array(rest[..<end]), claim: claim, terms: terms, park: park)
            rest = rest[end...]
        }
        return verdicts
    }

    private func claimAtOnce(
        _ items: [ClaimItem], claim: UUID, terms: ClaimTerms, park: Bool
    ) async throws(PostgresError) -> [ClaimVerdict] {
        var columns = ClaimColumns(capacity: items.count)
        for item in items { columns.append(item, terms: terms) }
        let query = Query(
            Self.claimSQL,
            parameters: [Parameter(claim), Parameter(terms.document), Parameter(park)] + columns.parameters)
        let rows = try await postgres.run(query).rows
        var verdicts = [ClaimVerdict?](repeating: nil, count: items.count)
        for row in rows {
            let item = Int(try row.decode(0, as: Int32.self)) - 1
            guard verdicts.indices.contains(item) else { throw Self.misfit(rows.count, items.count) }
            verdicts[item] = try Self.verdict(row, on: items[item])
        }
        let all = verdicts.compactMap { $0 }
        guard all.count == items.count else { throw Self.misfit(rows.count, items.count) }
        return all
    }

    private static func misfit(_ rows: Int, _ items: Int) -> PostgresError {
        .decoding(column: "item", row: rows, fault: .malformed("\(rows) verdicts on \(items) items"))
    }

    static func verdict(_ row: PostgresRow, on item: ClaimItem) throws(PostgresError) -> ClaimVerdict {
        let word = try row.decode(1, as: String.self)
        switch word {
        case "run": return .run(try order(row, item))
        case "later": return .later
        case "unknown_kind": return .unknownKind
        case "over_budget": return .overBudget(reason: try row.decode(2, as: String.self))
        case "invalid": return .invalid(reason: try row.decode(2, as: String.self))
        case "duplicate": return .duplicate
        default: throw row.unknown(word, 1)
        }
    }

    /// The row has the whole order where the message was a redelivery, or there was none, else the message has it.
    private static func order(_ row: PostgresRow, _ item: ClaimItem) throws(PostgresError) -> ClaimedOrder {
        let token = try row.decode(3, as: Int64.self)
        let attempt = Int(try row.decode(4, as: Int32.self))
        let estimate = MicroUSD(microdollars: try row.decode(5, as: Int64.self))
        let handler = try row.decode(8, as: String?.self)
        if let body = try row.decode(13, as: [UInt8]?.self) {
            let kind = try row.decode(9, as: String.self)
            return ClaimedOrder(
                id: item.id, token: token, attempt: attempt, estimate: estimate, kind: kind, handler: handler ?? kind,
                lane: try row.decode(10, as: String.self), title: try row.decode(11, as: String.self),
                maxAttempts: try row.decode(6, as: Int32?.self).map(Int.init),
                timeoutSeconds: try row.decode(7, as: Int32?.self).map(Int.init),
                traceparent: try row.decode(12, as: String?.self), body: body)
        }
        guard case .order(let message) = item.form else {
            throw .decoding(
                column: "body", row: 0, fault: .malformed("a registered order was granted without its body"))
        }
        return ClaimedOrder(
            id: item.id, token: token, attempt: attempt, estimate: estimate, kind: message.kind,
            handler: handler ?? message.kind, lane: message.lane, title: message.title,
            maxAttempts: message.maxAttempts, timeoutSeconds: message.timeoutSeconds, traceparent: item.traceparent,
            body: item.body)
    }
}
