package import FoundationEssentials
package import Postgres

/// What an operator's word did to one work order.
package struct WorkOrderChange: Sendable, Equatable {
    package let id: UUID
    /// Its state; `unknown` for an id that was never seen, `pruned` for one whose order was deleted for its age.
    package let before: String
    /// Its state now; `cancel_requested` while its worker stops it.
    package let after: String
    /// Who holds its unique key, where that keeps it from being tried again.
    package let keyHolder: UUID?
    /// Whether anything of it is another now.
    package let isChanged: Bool

    init(id: UUID, before: String, after: String, keyHolder: UUID? = nil, isChanged: Bool? = nil) {
        self.id = id
        self.before = before
        self.after = after
        self.keyHolder = keyHolder
        self.isChanged = isChanged ?? (before != after)
    }

    /// Cancels orders that have not ended, in one commit; each is audited.
    package static func cancel(
        _ ids: [UUID], who: String, reason: String, in database: PostgresClient
    ) async throws -> [WorkOrderChange] {
        try await changes(
            "SELECT id, before, after, NULL::uuid FROM moose.cancel_work_orders(\(ids), \(who), \(reason))", database)
    }

    /// Has failed orders run again, in one commit; each is audited.
    package static func retry(
        _ ids: [UUID], who: String, reason: String?, in database: PostgresClient
    ) async throws -> [WorkOrderChange] {
        try await changes(
            "SELECT id, before, after, held_by FROM moose.retry_work_orders(\(ids), \(who), \(reason))", database)
    }

    /// How many orders one commit changes.
    static let piece = 500

    /// Changes any number of orders, some hundred a commit.
    package static func inPieces(
        _ ids: [UUID], _ change: ([UUID]) async throws -> [WorkOrderChange]
    ) async throws -> [WorkOrderChange] {
        let distinct = Array(Set(ids)).sorted { $0.uuidString < $1.uuidString }
        var changes: [WorkOrderChange] = []
        for start in stride(from: 0, to: distinct.count, by: piece) {
            changes += try await change(Array(distinct[start..<min(start + piece, distinct.count)]))
        }
        return changes
    }

    private static func changes(_ query: Query, _ database: PostgresClient) async throws -> [WorkOrderChange] {
        try await database.run(query).rows.decode((UUID, String, String, UUID?).self).map { id, before, after, holder in
            WorkOrderChange(id: id, before: before, after: after, keyHolder: holder)
        }
    }

    package var json: JSONValue {
        [
            "id": .id(id), "before": .string(before), "after": .string(after), "unique_key_held_by": .id(keyHolder),
        ]
    }
}
