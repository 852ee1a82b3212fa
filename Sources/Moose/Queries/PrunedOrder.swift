internal import FoundationEssentials
internal import Postgres

/// What is left of a work order that was deleted for its age.
struct PrunedOrder: Sendable {
    let id: UUID
    /// The state it ended in.
    let state: String
    let endedAt: Date
    let prunedAt: Date

    /// - Returns: nil for an id that was not pruned, or is forgotten by now.
    static func find(_ id: UUID, in database: PostgresClient) async throws -> PrunedOrder? {
        try await database.run("SELECT state, ended_at, pruned_at FROM moose.pruned_orders WHERE id = \(id)").first.map
        {
            PrunedOrder(id: id, state: try $0.decode(0), endedAt: try $0.decode(1), prunedAt: try $0.decode(2))
        }
    }
}
