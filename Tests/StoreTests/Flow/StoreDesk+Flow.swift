import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

extension StoreDesk {
    /// A work order with these fields beside kind and title.
    static func order(
        _ fields: [String: String], id: UUID = .timeOrdered(), lane: String = "default", replyTo: String? = nil
    ) throws -> ClaimItem {
        let all = ["id": "\"\(id)\"", "kind": "\"work\"", "title": "\"t\"", "estimated_cost_usd": "\"0\""]
            .merging(fields) { _, field in field }
        let body = Array("{\(all.map { "\"\($0)\":\($1)" }.joined(separator: ","))}".utf8)
        return ClaimItem(
            form: try WorkOrderMessage.decode(body, messageID: nil, lane: lane), body: body, replyTo: replyTo)
    }

    /// Work orders in the order of their ids, which decides between those of one instant.
    static func orders(_ count: Int) throws -> [ClaimItem] {
        try (1...count).map { _ in try order() }.sorted { $0.id.uuidString < $1.id.uuidString }
    }

    static func keyed(_ key: String) throws -> ClaimItem { try order(["concurrency_key": "\"\(key)\""]) }

    static func unique(_ key: String, seconds: Int? = nil, replyTo: String? = nil) throws -> ClaimItem {
        try order(
            ["unique_key": "\"\(key)\"", "unique_seconds": seconds.map(String.init) ?? "null"], replyTo: replyTo)
    }

    /// The kind `work` with limits.
    static func limited(_ limits: KindLimits) -> [String: KindTerms] {
        ["work": KindTerms(estimate: .zero, limits: limits)]
    }

    /// Claims what the doorbells in the outbox are for, as many as are due, in their order, and takes them away.
    @discardableResult
    func answerDoorbells(
        kinds: [String: KindTerms] = ["work": KindTerms(estimate: .zero)]
    ) async throws -> [(id: UUID, verdict: ClaimVerdict)] {
        let ids = try await takeDoorbells()
        let verdicts = try await claim(ids.map(Self.doorbell), kinds: kinds)
        return zip(ids, verdicts).map { ($0, $1) }
    }

    /// Takes the doorbells that are due out of the outbox, in their order.
    func takeDoorbells(upTo limit: Int = 500) async throws -> [UUID] {
        try await store.postgres.run(
            """
            WITH taken AS (
                DELETE FROM moose.outbox WHERE id IN (
                    SELECT id FROM moose.outbox WHERE doorbell_for IS NOT NULL AND due_at <= clock_timestamp()
                    ORDER BY due_at LIMIT \(limit) FOR UPDATE SKIP LOCKED)
                RETURNING doorbell_for, due_at)
            SELECT doorbell_for FROM taken ORDER BY due_at
            """
        ).rows.map { row throws(PostgresError) in try row.decode(0, as: UUID.self) }
    }

    func text(_ sql: String) async throws -> String? {
        try await value("SELECT (\(unescaped: sql))::text", as: String?.self)
    }

    func pause(_ lane: String = "default") async throws {
        #expect(try await value("SELECT moose.pause_lane(\(lane), 'ann', 'they burn')", as: Bool.self))
    }

    func resume(_ lane: String = "default") async throws {
        #expect(try await value("SELECT moose.resume_lane(\(lane), 'bob', 'put out')", as: Bool.self))
    }
}

extension ClaimVerdict {
    /// The token where it may run.
    var token: Int64? {
        if case .run(let grant) = self { grant.token } else { nil }
    }
}
