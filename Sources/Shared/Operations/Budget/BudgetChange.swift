package import FoundationEssentials
package import Postgres

/// An entry of the audit log that tells of a budget.
package struct BudgetChange: Sendable {
    package let at: Date
    package let who: String
    /// Such as `budget update` or `freeze insert`.
    package let action: String
    /// Such as `org org`, `project shop` or `hold ID TOKEN NUMBER`.
    package let subject: String
    package let before: JSONValue
    package let after: JSONValue
    package let reason: String?

    /// Those of the last so many days, the newest first.
    ///
    /// - Parameter scopes: only changes of these; all when empty.
    package static func newest(
        of scopes: [BudgetScope], days: Int, limit: Int, in database: PostgresClient
    ) async throws -> [BudgetChange] {
        try await database.run(
            """
            SELECT a.at, a.who, a.action, a.subject, a.before, a.after, a.reason FROM moose.audit_log a
            WHERE a.at > now() - make_interval(days => \(Int32(days)))
              AND a.action ~ '^(budget|freeze|exemption|hold|ledger) '
              AND (\(scopes.isEmpty) OR a.subject = ANY (\(scopes.map(\.subject))))
            ORDER BY a.at DESC, a.id DESC LIMIT \(limit)
            """
        ).rows.decode((Date, String, String, String, String?, String?, String?).self).map {
            at, who, action, subject, before, after, reason in
            BudgetChange(
                at: at, who: who, action: action, subject: subject, before: .document(before), after: .document(after),
                reason: reason)
        }
    }

    package var json: JSONValue {
        [
            "at": .time(at), "who": .string(who), "action": .string(action), "subject": .string(subject),
            "before": before, "after": after, "reason": .text(reason),
        ]
    }
}
