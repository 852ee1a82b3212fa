/// What Moose relies on in every session, whatever the server, the database or the role has as its default.
///
/// It travels twice: with the start of the session, so that not even the first statement runs under other settings
/// (an `idle_session_timeout` of 1 ms would end the session before), and in the statement after it, which also sets
/// what depends on the server, and asks for what can't be set.
struct SessionPins {
    let configuration: PostgresConfiguration

    /// Known to every server from version 14 on.
    private var fixed: [(name: String, value: String)] {
        [
            ("search_path", "pg_catalog, pg_temp"),
            ("statement_timeout", SessionPins.milliseconds(configuration.statementTimeout)),
            ("lock_timeout", SessionPins.milliseconds(configuration.lockTimeout)),
            ("idle_in_transaction_session_timeout", SessionPins.milliseconds(configuration.idleInTransactionTimeout)),
            ("idle_session_timeout", "0"),
            // What is committed, and what a transaction sees.
            ("default_transaction_isolation", "read committed"), ("default_transaction_read_only", "off"),
            ("default_transaction_deferrable", "off"),
            // A policy that hides rows is an error, never an order that nobody sees.
            ("row_security", "off"),
            // Texts as Moose reads and writes them.
            ("TimeZone", "UTC"), ("DateStyle", "ISO, MDY"), ("IntervalStyle", "postgres"), ("bytea_output", "hex"),
            ("timezone_abbreviations", "Default"), ("extra_float_digits", "1"), ("standard_conforming_strings", "on"),
            ("backslash_quote", "safe_encoding"), ("quote_all_identifiers", "off"), ("lc_numeric", "C"),
            ("lc_monetary", "C"), ("lc_time", "C"), ("xmlbinary", "base64"), ("xmloption", "content"),
            // What statements mean.
            ("array_nulls", "on"), ("transform_null_equals", "off"), ("gin_fuzzy_search_limit", "0"),
            ("check_function_bodies", "on"), ("default_tablespace", ""), ("temp_tablespaces", ""),
            ("default_table_access_method", "heap"),
            // How they run: short ones gain nothing from compiled code.
            ("jit", "off"), ("plan_cache_mode", "auto"),
            // What else ends a session, fills the server's log or slows every answer.
            ("exit_on_error", "off"), ("tcp_user_timeout", "0"), ("tcp_keepalives_idle", "0"),
            ("tcp_keepalives_interval", "0"), ("tcp_keepalives_count", "0"), ("client_connection_check_interval", "0"),
            ("client_min_messages", "notice"), ("log_parameter_max_length_on_error", "0"), ("trace_notify", "off"),
            ("debug_print_parse", "off"), ("debug_print_rewritten", "off"), ("debug_print_plan", "off"),
        ]
    }

    /// Known to some versions, or only where an extension or a role's default made them known.
    private static let optional: [(name: String, value: String)] = [
        ("transaction_timeout", "0"), ("force_parallel_mode", "off"), ("debug_parallel_query", "off"),
        ("restrict_nonsystem_relation_kind", ""), ("plpgsql.extra_errors", ""), ("plpgsql.extra_warnings", ""),
        // Moose's own, which a role's default could forge.
        ("moose.who", ""), ("moose.reason", ""), ("moose.pruning", ""), ("moose.gates_moved", ""),
    ]

    /// What ``startOptions(after:)`` names, besides ``PostgresConfiguration/options``.
    static let names = Set(SessionPins(configuration: PostgresConfiguration(url: "")).fixed.map(\.name))

    /// The settings for the start of a session, as the server's command line has them.
    ///
    /// - Parameter others: what the URL or the environment gives; ours win.
    func startOptions(after others: String?) -> String {
        let own = (fixed + configuration.sortedOptions.filter { !$0.name.contains(".") }).map { name, value in
            "-c \(name)=" + value.map { $0 == " " || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
        }
        return ([others].compactMap { $0 } + own).joined(separator: " ")
    }

    /// The statement of a new session: pins it, then answers ``SessionFacts``.
    ///
    /// - Parameter backend: the process that the server named; where another answers, a pooler stands between, and
    ///   nothing is set that it might hand to others. Nil: set it all the same.
    func script(backend: Int32?) -> String {
        let isOurs = backend.map { "pg_backend_pid() = \($0)" } ?? "true"
        let pins = (fixed + SessionPins.optional + configuration.sortedOptions).map { name, value in
            "(\(SQLQuoting.literal(name)), \(SQLQuoting.literal(value)))"
        }
        let known = SessionPins.optional.filter { !$0.name.hasPrefix("moose.") }.map { SQLQuoting.literal($0.name) }
        return """
            BEGIN ISOLATION LEVEL READ COMMITTED;
            SET LOCAL statement_timeout = '10s';
            SET LOCAL search_path = pg_catalog, pg_temp;
            SELECT set_config(s.name, CASE s.name
                    WHEN 'synchronous_commit' THEN CASE s.setting WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END
                    WHEN 'session_replication_role' THEN 'origin'
                    WHEN 'work_mem' THEN greatest(s.setting::bigint, 4096)::text
                    ELSE s.boot_val END, false)
            FROM pg_settings s
            WHERE \(isOurs)
              AND (s.name IN ('synchronous_commit', 'work_mem')
                   OR s.category = 'Query Tuning / Planner Method Configuration' AND s.setting <> s.boot_val
                   OR s.category LIKE 'Query Tuning%'
                      AND s.source NOT IN ('default', 'configuration file', 'environment variable', 'command line')
                   OR s.name = 'session_replication_role' AND s.setting <> 'origin'
                      AND (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user));
            SELECT set_config(p.name, p.value, false) FROM (VALUES \(pins.joined(separator: ", "))) AS p (name, value)
            WHERE \(isOurs)
              AND (p.name NOT IN (\(known.joined(separator: ", "))) OR current_setting(p.name, true) IS NOT NULL);
            COMMIT;
            \(SessionFacts.query)
            """
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        // The server counts in 32 bits: 24 days.
        guard seconds < 2_147_483 else { return String(Int32.max) }
        return String(max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
