extension Migrator {
    /// Throws ``MigrationError/leftovers(_:removal:)`` where nothing is recorded and the schema's objects are there all the
    /// same: it was dropped halfway, or the record was. Changes nothing.
    func refuseLeftovers(_ schema: DatabaseSchema, _ connection: PostgresConnection) async throws {
        guard try await readRecord(connection).migrations.isEmpty else { return }
        let names = schema.functions.outside
        let found = try await connection.run(
            """
            SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'view ' WHEN 'S' THEN 'sequence '
                                  ELSE 'table ' END || c.oid::regclass, false
            FROM pg_class c
            WHERE c.relnamespace = to_regnamespace('moose') AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
              AND c.relname NOT IN ('schema_migrations', 'schema_functions')
            UNION ALL
            SELECT 'function ' || p.oid::regprocedure, n.nspname <> 'moose'
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = 'moose' OR n.nspname || '.' || p.proname = ANY (\(names))
            ORDER BY 2 DESC, 1
            """
        ).rows.decode((String, Bool).self)
        // Looked at again: another process may have applied the first migration since.
        guard !found.isEmpty, try await readRecord(connection).migrations.isEmpty else { return }
        let outside = found.filter { $0.1 }.map { String($0.0.dropFirst("function ".count)) }
        var removal: [String] = []
        if found.count > outside.count { removal.append("DROP SCHEMA moose CASCADE;") }
        if !outside.isEmpty { removal.append("DROP FUNCTION \(outside.joined(separator: ", "));") }
        throw MigrationError.leftovers(found.map { $0.0 }, removal: removal.joined(separator: " "))
    }
}
