internal import FoundationEssentials
package import Postgres

/// The kill switch of a scope.
package struct BudgetFreezing: Sendable {
    package let scope: BudgetScope
    package let who: String
    package let reason: String

    package init(scope: BudgetScope, who: String, reason: String) {
        self.scope = scope
        self.who = who
        self.reason = reason
    }

    /// What pulling it found.
    package struct Frozen: Sendable {
        /// False: it was frozen before, and stays as it was.
        package let isNew: Bool
        /// Whether the scope had a budget before; else it has one now that only tracks.
        package let hadBudget: Bool
        package let state: BudgetFreezeState
    }

    /// Grants the scope nothing more that costs money, at once.
    package func freeze(in database: PostgresClient) async throws -> Frozen {
        try await database.withTransaction { transaction in
            let hadBudget =
                try await transaction.run(
                    """
                    SELECT 1 FROM moose.budget_policies
                    WHERE scope = \(scope.kind.rawValue) AND name = \(scope.name) LIMIT 1
                    """
                ).rowCount > 0
            let isNew = try await transaction.value(
                "SELECT moose.freeze_budget(\(scope.kind.rawValue), \(scope.name), \(who), \(reason))", as: Bool.self)
            let state = try await transaction.run(
                """
                SELECT since, who, reason FROM moose.budget_freezes
                WHERE scope = \(scope.kind.rawValue) AND name = \(scope.name)
                """
            ).rows.decode().map(BudgetFreezeState.init).first
            guard let state else {
                throw OperationError(.failed, "\(scope.title) was unfrozen at the same moment", next: "Freeze it again")
            }
            return Frozen(isNew: isNew, hadBudget: hadBudget, state: state)
        }
    }

    /// Grants as before.
    ///
    /// - Throws: ``OperationError/Kind/refused`` when it is not frozen.
    package func unfreeze(in database: PostgresClient) async throws {
        let wasFrozen = try await database.value(
            "SELECT moose.unfreeze_budget(\(scope.kind.rawValue), \(scope.name), \(who), \(reason))", as: Bool.self)
        guard wasFrozen else {
            throw OperationError(.refused, "\(scope.title) is not frozen", next: "`moose budget show` says what is")
        }
    }
}
