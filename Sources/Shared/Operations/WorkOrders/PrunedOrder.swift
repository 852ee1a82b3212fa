package import FoundationEssentials
package import Postgres

/// What is left of a work order that was deleted for its age.
package struct PrunedOrder: Sendable {
    package let id: UUID
    /// The state it ended in.
    package let state: String
    package let endedAt: Date
    package let prunedAt: Date

    /// - Returns: nil for an id that was not pruned, or is forgotten by now.
    package static func find(_ id: UUID, in database: PostgresClient) async throws -> PrunedOrder? {
        try await database.run("SELECT id, state, ended_at, pruned_at FROM moose.pruned_orders WHERE id = \(id)").rows
            .decode().map(PrunedOrder.init).first
    }
}
