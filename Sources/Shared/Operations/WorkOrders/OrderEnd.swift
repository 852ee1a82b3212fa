package import FoundationEssentials
package import Postgres

/// What became of an order, as its publisher asks.
package struct OrderEnd: Sendable, Equatable {
    package let id: UUID
    package let state: String
    package let error: String?
    /// The handler's result: JSON.
    package let result: [UInt8]?
    /// What it has cost, all attempts, in millionths of a dollar; nil where none was counted.
    package let costMicroUSD: Int64?

    /// Those that the database knows, in the order of the ids.
    package static func of(_ ids: [UUID], in database: PostgresClient) async throws -> [OrderEnd] {
        var ends: [OrderEnd] = []
        var rest = ids[...]
        // A look at very many would take longer than a statement may.
        while !rest.isEmpty {
            let piece = Array(rest.prefix(1000))
            rest = rest.dropFirst(piece.count)
            let rows = try await database.run(
                """
                SELECT w.id, w.state, w.error, w.result,
                       (SELECT sum(c.amount_u)::bigint FROM moose.cost_tracking c WHERE c.owner = w.id)
                FROM moose.work_orders w WHERE w.id = ANY (\(piece)) ORDER BY array_position(\(piece), w.id)
                """
            ).rows.decode((UUID, String, String?, [UInt8]?, Int64?).self)
            ends += rows.map { OrderEnd(id: $0, state: $1, error: $2, result: $3, costMicroUSD: $4) }
        }
        return ends
    }

    /// One of which no more is known than this.
    package static func json(_ id: UUID, state: String?) -> JSONValue {
        ["id": .id(id), "state": .text(state), "error": .null, "result": .null, "cost_usd": .null]
    }

    package var json: JSONValue {
        [
            "id": .id(id), "state": .string(state), "error": .text(error), "result": .document(result),
            "cost_usd": .usd(costMicroUSD),
        ]
    }
}
