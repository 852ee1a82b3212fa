package import Postgres

/// What a database role may not do and Moose does.
package struct MissingRights: Sendable, Equatable {
    /// The role that is logged in, quoted for SQL.
    package let role: String
    /// Who may grant, quoted for SQL.
    package let owner: String
    /// Such as `USAGE on schema moose` or `INSERT, UPDATE on work_orders`; never empty.
    package let rights: [String]
}

extension Store {
    /// The rights on the schema that this role lacks; nil where nothing is missing, or there is no schema yet.
    ///
    /// Judged by what Moose's statements do, so that a role with no more than that passes.
    package func missingRights() async throws(PostgresError) -> MissingRights? {
        let result = try await postgres.run(
            """
            SELECT quote_ident(current_user), quote_ident(pg_get_userbyid(n.nspowner)),
                   CASE WHEN has_schema_privilege(n.oid, 'USAGE') THEN '{}'::text[]
                        ELSE ARRAY['USAGE on schema moose'] END
                   || ARRAY(
                       SELECT string_agg(r.name, ', ' ORDER BY r.position) || ' on ' || c.relname
                       FROM pg_class c
                       CROSS JOIN (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE')) AS r (position, name)
                       WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'v') AND NOT has_table_privilege(c.oid, r.name)
                         AND CASE r.name
                             WHEN 'SELECT' THEN true
                             WHEN 'INSERT' THEN
                                 c.relkind = 'r' AND c.relname NOT IN (
                                     'schema_migrations', 'schema_functions', 'work_order_transitions',
                                     'budget_policies', 'budget_freezes', 'budget_exempt_agents',
                                     'budget_limits_version', 'audit_log', 'lanes', 'schedules', 'worker_commands',
                                     'turns', 'limits_lock', 'letters_lock')
                             WHEN 'UPDATE' THEN
                                 c.relname IN ('work_orders', 'workers', 'outbox', 'budget_buckets', 'budget_holds',
                                               'escalations', 'escalation_events', 'gates', 'gate_waits',
                                               'unique_keys', 'schedules', 'dead_letters', 'turns', 'limits_lock',
                                               'letters_lock', 'dependency_waits', 'dependency_ends',
                                               'broken_dependencies')
                             ELSE c.relname IN ('outbox', 'budget_burn', 'gates', 'gate_waits', 'unique_keys',
                                                'dependency_waits', 'dependency_ends', 'broken_dependencies') END
                       GROUP BY c.relname ORDER BY c.relname)
                   || CASE WHEN EXISTS (SELECT 1 FROM pg_proc f WHERE f.pronamespace = n.oid
                                        AND NOT has_function_privilege(f.oid, 'EXECUTE'))
                           THEN ARRAY['EXECUTE on all functions'] ELSE '{}'::text[] END
            FROM pg_namespace n WHERE n.nspname = 'moose'
            """)
        guard let (role, owner, rights) = try result.first?.decode((String, String, [String]).self),
            !rights.isEmpty
        else { return nil }
        return MissingRights(role: role, owner: owner, rights: rights)
    }
}
