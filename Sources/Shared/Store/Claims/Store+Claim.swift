package import FoundationEssentials
package import Postgres
internal import WorkOrders

extension Store {
    private static let claimSQL = """
        SELECT item, verdict, reason, token, attempt, estimate_u, max_attempts, timeout_seconds, handler, kind, lane,
               title, traceparent, body
        FROM moose.claim_batch(
            $1, $2, $3 * interval '1 millisecond', $4 * interval '1 millisecond', $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,
            $29, $30, $31, $32, $33, $34, $35, $36)
        """

    /// How many dependencies one commit writes. An order may name a thousand.
    private static let dependenciesAtATime = 4000

    /// Judges a batch of deliveries in one commit, or, where they name very many dependencies, in several: one verdict an
    /// item, in the order of the items.
    ///
    /// - Parameters:
    ///   - items: distinct ids; a few hundred are best.
    ///   - claim: names this call; asking again with the same one after a lost reply gives the same leases.
    ///   - park: there is no slot for any of them: keep them and ring again in 5 s.
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
        let kinds = Array(terms.kinds)
        let limited = kinds.filter { $0.value.limits != nil }
        let query = Query(
            Self.claimSQL,
            parameters: [
                Parameter(terms.worker), Parameter(claim), Parameter(terms.lease.milliseconds),
                Parameter(terms.unknownKindGrace.milliseconds),
                Parameter(kinds.map(\.key)), Parameter(kinds.map { $0.value.estimate?.microdollars }),
                Parameter(kinds.map(\.value.nanoUSDPerByte)), Parameter(kinds.map(\.value.model)),
                Parameter(kinds.map(\.value.economy)),
            ] + columns.parameters + [
                Parameter(limited.map(\.key)),
                Parameter(limited.map { $0.value.limits?.concurrency.map(Int32.init(clamping:)) }),
                Parameter(limited.map { $0.value.limits?.rate.map { Int32(clamping: $0.count) } }),
                Parameter(limited.map { $0.value.limits?.rate.map { Int32(clamping: $0.seconds) } }),
                Parameter(limited.map { $0.value.limits?.keyConcurrency.map(Int32.init(clamping:)) }),
                Parameter(park),
            ])
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

    private static func verdict(_ row: PostgresRow, on item: ClaimItem) throws(PostgresError) -> ClaimVerdict {
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

    /// The row has the whole order where the message was only a doorbell or a redelivery, else the message has it.
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
            throw .decoding(column: "body", row: 0, fault: .malformed("a doorbell was granted without its order"))
        }
        return ClaimedOrder(
            id: item.id, token: token, attempt: attempt, estimate: estimate, kind: message.kind,
            handler: handler ?? message.kind, lane: message.lane, title: message.title,
            maxAttempts: message.maxAttempts, timeoutSeconds: message.timeoutSeconds, traceparent: item.traceparent,
            body: item.body)
    }
}

/// The columns of a claim, one array a field, as `claim_batch` takes them.
private struct ClaimColumns {
    var ids: [UUID] = []
    var doorbells: [Bool] = []
    var kinds: [String?] = []
    var lanes: [String?] = []
    var titles: [String?] = []
    var projects: [String?] = []
    var agents: [String?] = []
    var estimates: [Int64?] = []
    var maxAttempts: [Int32?] = []
    var timeouts: [Int32?] = []
    var runAt: [Date?] = []
    var bodies: [[UInt8]?] = []
    var appIDs: [String?] = []
    var replyTo: [String?] = []
    var correlationIDs: [String?] = []
    var traceparents: [String?] = []
    var dependencyItems: [Int32] = []
    var dependencyIDs: [UUID] = []
    var concurrencyKeys: [String?] = []
    var uniqueKeys: [String?] = []
    var uniqueSeconds: [Int32?] = []

    init(capacity: Int) { ids.reserveCapacity(capacity) }

    mutating func append(_ item: ClaimItem, terms: ClaimTerms) {
        let message: WorkOrderMessage? =
            switch item.form {
            case .order(let message): message
            case .doorbell: nil
            }
        ids.append(item.id)
        doorbells.append(message == nil)
        kinds.append(message?.kind)
        lanes.append(message?.lane)
        titles.append(message?.title)
        projects.append(message?.project)
        agents.append(message?.agent)
        let price = message.map { terms.price(of: $0, bytes: item.body.count) }
        if case .known(let estimate) = price { estimates.append(estimate.microdollars) } else { estimates.append(nil) }
        maxAttempts.append(message?.maxAttempts.map(Int32.init(clamping:)))
        timeouts.append(message?.timeoutSeconds.map(Int32.init(clamping:)))
        runAt.append(message?.runAt)
        bodies.append(message == nil ? nil : item.body)
        appIDs.append(item.appID)
        replyTo.append(item.replyTo)
        correlationIDs.append(item.correlationID)
        traceparents.append(item.traceparent)
        concurrencyKeys.append(message?.concurrencyKey)
        uniqueKeys.append(message?.uniqueKey)
        uniqueSeconds.append(message?.uniqueSeconds.map(Int32.init(clamping:)))
        for dependency in message?.dependsOn ?? [] {
            dependencyItems.append(Int32(ids.count))
            dependencyIDs.append(dependency)
        }
    }

    var parameters: [Parameter] {
        [
            Parameter(ids), Parameter(doorbells), Parameter(kinds), Parameter(lanes), Parameter(titles),
            Parameter(projects), Parameter(agents), Parameter(estimates), Parameter(maxAttempts), Parameter(timeouts),
            Parameter(runAt), Parameter(bodies), Parameter(appIDs), Parameter(replyTo), Parameter(correlationIDs),
            Parameter(traceparents), Parameter(dependencyItems), Parameter(dependencyIDs),
            // Empty arrays tell the claim that nobody uses them.
            Parameter(concurrencyKeys.contains { $0 != nil } ? concurrencyKeys : []),
            Parameter(uniqueKeys.contains { $0 != nil } ? uniqueKeys : []),
            Parameter(uniqueKeys.contains { $0 != nil } ? uniqueSeconds : []),
        ]
    }
}
