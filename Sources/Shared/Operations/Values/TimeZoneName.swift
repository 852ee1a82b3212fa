package import Postgres
internal import WorkOrders

/// Names of time zones, as the database knows them.
package enum TimeZoneName {
    /// The name in the database's own spelling.
    ///
    /// Only names of its list: it would also take `UTC+2`, and mean two hours west of Greenwich.
    ///
    /// - Throws: ``OperationError/Kind/invalid`` with similar names when there is none.
    package static func known(_ text: String, in transaction: PostgresTransaction) async throws -> String {
        let exact = try await transaction.value(
            """
            SELECT name FROM pg_timezone_names WHERE lower(name) = lower(\(text)) AND name NOT LIKE 'posix%'
            ORDER BY name <> \(text) LIMIT 1
            """, as: String?.self)
        if let exact { return exact }
        // The last part, so that Germany/Berlin finds Europe/Berlin.
        let part = text.split(separator: "/").last.map(String.init) ?? ""
        let similar = try await transaction.run(
            """
            SELECT name FROM pg_timezone_names
            WHERE length(\(part)) >= 3 AND strpos(lower(name), lower(replace(\(part), ' ', '_'))) > 0
              AND name NOT LIKE 'posix%' ORDER BY length(name), name LIMIT 3
            """
        ).rows.decode(String.self)
        throw OperationError(
            .invalid, "the database knows no time zone “\(text.clipped(to: 40))”",
            why: similar.isEmpty ? nil : "Similar ones: \(similar.joined(separator: ", "))",
            next: "Name one such as Europe/Berlin, America/New_York or UTC")
    }
}
