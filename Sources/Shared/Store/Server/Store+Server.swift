package import Postgres

extension Store {
    /// What the server is like. Needs no right that not everybody has; a member of `pg_read_all_stats` sees more.
    package func serverFacts() async throws(PostgresError) -> ServerFacts {
        var facts = ServerFacts()
        let names = ServerFacts.expected.keys.sorted()
        let settings = try await postgres.run(
            "SELECT n, current_setting(n) FROM unnest(\(names)) AS n WHERE current_setting(n, true) IS NOT NULL"
        ).rows.decode((String, String).self)
        for (name, setting) in settings { facts.settings[name] = setting }
        guard let row = try await postgres.run(Self.numbers).first else { return facts }
        facts.version = try row.decode(0)
        facts.connections = .init(limit: try row.decode(1), used: try row.decode(2))
        facts.roleConnections = try Self.share(row, limit: 3, used: 4)
        facts.databaseConnections = try Self.share(row, limit: 5, used: 6)
        facts.notificationQueue = try row.decode(7)
        facts.publicIsOpen = try row.decode(8)
        facts.abandonedSlots = try row.decode(9)
        facts.waitsForStandby = try row.decode(10)
        facts.oldestTransaction = try await holders(Self.transactions).first
        facts.oldestPrepared = try await holders(Self.prepared).first
        facts.blockers = try await blockers()
        return facts
    }

    /// Sessions whose locks Moose's own sessions wait for, now.
    package func blockers() async throws(PostgresError) -> [ServerFacts.Holder] { try await holders(Self.blocking) }

    private func holders(_ query: Query) async throws(PostgresError) -> [ServerFacts.Holder] {
        try await postgres.run(query).rows.decode((String, Double?).self).map { name, seconds in
            .init(name: name, age: seconds.map { .seconds($0) })
        }
    }

    private static func share(_ row: PostgresRow, limit: Int, used: Int) throws(PostgresError) -> ServerFacts.Share? {
        guard let limit = try row.decode(limit, as: Int?.self) else { return nil }
        return .init(limit: limit, used: try row.decode(used))
    }

    /// A superuser's sessions are limited by nothing but max_connections.
    private static let numbers: Query = """
        SELECT current_setting('server_version_num')::integer,
               current_setting('max_connections')::bigint
               - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::bigint END,
               (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend'),
               CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit END,
               (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid),
               CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper THEN d.datconnlimit END,
               (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend'),
               pg_notification_queue_usage(),
               to_regnamespace('public') IS NOT NULL AND has_schema_privilege('public', 'public', 'CREATE'),
               ARRAY(SELECT s.slot_name::text FROM pg_replication_slots s
                     WHERE NOT s.active
                       AND (s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL OR s.restart_lsn IS NOT NULL)
                     ORDER BY s.slot_name),
               current_setting('synchronous_standby_names') <> ''
               AND (NOT EXISTS (SELECT 1 FROM pg_stat_replication)
                    OR EXISTS (SELECT 1 FROM pg_stat_activity a
                               WHERE a.wait_event = 'SyncRep' AND a.state_change < now() - interval '10 seconds'))
        FROM pg_roles r, pg_database d
        WHERE r.rolname = session_user AND d.datname = current_database()
        """

    /// Transactions keep what was deleted since in every table of their database.
    private static let transactions: Query = """
        SELECT format('process %s (role %s, %s)', a.pid, a.usename,
                      coalesce(nullif(a.application_name, ''), 'unnamed')),
               extract(epoch FROM clock_timestamp() - a.xact_start)::double precision
        FROM pg_stat_activity a
        WHERE a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
          AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.datname = current_database()
        ORDER BY a.xact_start LIMIT 1
        """

    private static let prepared: Query = """
        SELECT format('%L (role %s)', p.gid, p.owner),
               extract(epoch FROM clock_timestamp() - p.prepared)::double precision
        FROM pg_prepared_xacts p WHERE p.database = current_database() ORDER BY p.prepared LIMIT 1
        """

    /// Who has waited himself keeps others only as long as he is kept; also who waits for a standby.
    private static let blocking: Query = """
        SELECT format('process %s (role %s, %s)', a.pid, a.usename,
                      coalesce(nullif(a.application_name, ''), 'unnamed')),
               extract(epoch FROM clock_timestamp() - a.xact_start)::double precision
        FROM (SELECT DISTINCT unnest(pg_blocking_pids(w.pid)) AS pid FROM pg_stat_activity w
              WHERE w.wait_event_type = 'Lock' AND w.datname = current_database()) b
        JOIN pg_stat_activity a ON a.pid = b.pid
        WHERE a.wait_event_type IS DISTINCT FROM 'Lock' AND a.wait_event IS DISTINCT FROM 'SyncRep'
        ORDER BY a.pid
        """
}
