package import Postgres

/// Operators' actions on dead letters and queues, in the audit log.
package enum DeadLetterAudit {
    /// - Parameter after: what was asked for, or what came of it.
    package static func record(
        _ action: String, subject: String, after: JSONValue, who: String, why: String?, in database: PostgresClient
    ) async throws {
        _ = try await database.run(
            """
            INSERT INTO moose.audit_log (who, action, subject, after, reason)
            VALUES (\(who), \(action), \(subject), \(try after.encoded())::text::jsonb, \(why))
            """)
    }
}
