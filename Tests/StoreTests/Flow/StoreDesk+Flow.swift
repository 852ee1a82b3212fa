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

    /// Takes what is due in the lines of all lanes, in its order, and claims it.
    @discardableResult
    func takeLine(
        kinds: [String: KindTerms] = ["work": KindTerms(estimate: .zero)], upTo limit: Int = 500, claim: UUID = UUID(),
        isRepeated: Bool = false
    ) async throws -> [(id: UUID, verdict: ClaimVerdict)] {
        let lanes = try await store.postgres.run("SELECT DISTINCT lane FROM moose.waiting").rows.decode(String.self)
        let terms = ClaimTerms(worker: worker, lease: .seconds(45), unknownKindGrace: .seconds(600), kinds: kinds)
        return try await store.take(
            Dictionary(uniqueKeysWithValues: lanes.map { ($0, limit) }), claim: claim, terms: terms,
            isRepeated: isRepeated
        ).map { ($0.id, $0.verdict) }
    }

    /// Takes what is due out of the lines without claiming it, in its order.
    func callDue(upTo limit: Int = 500) async throws -> [UUID] {
        try await store.postgres.run(
            """
            WITH due AS (
                SELECT id, due FROM moose.waiting WHERE due <= clock_timestamp()
                ORDER BY due, id LIMIT \(limit) FOR UPDATE SKIP LOCKED
            ), taken AS (UPDATE moose.waiting w SET due = NULL FROM due WHERE w.id = due.id RETURNING w.id)
            SELECT id FROM due WHERE id IN (SELECT id FROM taken) ORDER BY due, id
            """
        ).rows.decode(UUID.self)
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
