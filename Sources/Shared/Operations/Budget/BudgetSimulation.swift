package import Postgres

/// What a reservation would be told now by one of the budgets it counts against.
package struct BudgetSimulation: Sendable {
    package let scope: String
    package let name: String
    package let period: String
    /// Whether the agent is exempt here: tracked apart, never refused.
    package let isExempt: Bool
    package let used: Int64
    /// nil: it only tracks.
    package let cap: Int64?
    /// `normal`, `soft`, `economy`, `held_retry`, `spent`, `frozen` or `never_fits`.
    package let answer: String

    /// From the mildest to the hardest; the hardest of all budgets is the reservation's.
    static let ranks = ["normal", "soft", "economy", "held_retry", "spent", "frozen", "never_fits"]

    /// One a budget, the org's first. Takes nothing and locks nothing.
    package static func run(_ path: BudgetPath, in database: PostgresClient) async throws -> [BudgetSimulation] {
        try await database.run(
            """
            SELECT scope, name, period, exempt, used_u, cap_u, answer
            FROM moose.simulate_reservation(
                \(path.estimate), \(path.project), \(path.agent), \(path.handler), \(path.model))
            """
        ).rows.map(BudgetSimulation.init)
    }

    /// The answer to the whole reservation.
    package static func overall(_ budgets: [BudgetSimulation]) -> String {
        budgets.map(\.answer).max { rank($0) < rank($1) } ?? "normal"
    }

    package static func isRefusal(_ answer: String) -> Bool { rank(answer) > 2 }

    /// An answer of a newer database counts as a refusal.
    private static func rank(_ answer: String) -> Int { ranks.firstIndex(of: answer) ?? ranks.count }

    package var json: JSONValue {
        [
            "scope": .string(scope), "name": .string(name), "period": .string(period), "exempt": .bool(isExempt),
            "used_usd": .usd(used), "cap_usd": .usd(cap), "answer": .string(answer),
        ]
    }
}

extension BudgetSimulation {
    private init(_ row: PostgresRow) throws {
        (scope, name, period, isExempt, used, cap, answer) = try row.decode()
    }
}
