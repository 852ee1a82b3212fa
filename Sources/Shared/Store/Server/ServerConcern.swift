/// One thing about a server that Moose can't mend by itself: what it is, why it matters, and what mends it.
package struct ServerConcern: Sendable, Equatable {
    package enum Weight: Sendable {
        /// Acknowledged work or posted money could be lost, or nothing works: no role starts.
        case refusal
        /// A person should mend it; work goes on.
        case warning
    }

    /// One word for it: the same cause always has the same.
    package let name: String
    package let weight: Weight
    package let text: String
    /// Numbers and names that differ from time to time.
    package let details: [String: String]

    /// All of it as one line.
    package var line: String {
        if details.isEmpty { return text }
        let facts = details.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return "\(text) (\(facts.joined(separator: "; ")))"
    }

    init(_ name: String, _ weight: Weight, _ text: String, _ details: [String: String] = [:]) {
        self.name = name
        self.weight = weight
        self.text = text
        self.details = details
    }

    /// The oldest server Moose knows.
    package static let oldestVersion = 15
    /// How long a transaction may keep vacuum from its work before a person is told.
    package static let longTransaction = Duration.seconds(3600)

    /// What there is to say of a server.
    ///
    /// - Parameter sessions: what a process of this role needs at the same time.
    package static func all(_ facts: ServerFacts, sessions: Int) -> [ServerConcern] {
        version(facts) + durability(facts) + upkeep(facts) + connections(facts, sessions) + holders(facts)
    }

    /// Somebody has kept others waiting for long.
    package static func blocker(_ holder: ServerFacts.Holder, since: Duration) -> ServerConcern {
        ServerConcern(
            "blocker", .warning,
            "a session keeps rows or tables that Moose waits for, and does not end its transaction. End it, or its "
                + "session with pg_terminate_backend",
            ["who": holder.name, "seconds": "\(since.components.seconds)"])
    }

    private static func version(_ facts: ServerFacts) -> [ServerConcern] {
        guard facts.version < oldestVersion * 10_000 else { return [] }
        return [
            ServerConcern(
                "version", .refusal,
                "it is PostgreSQL \(facts.version / 10_000); Moose needs \(oldestVersion) or newer")
        ]
    }

    private static func durability(_ facts: ServerFacts) -> [ServerConcern] {
        let why = [
            "fsync": "a crash of the host loses acknowledged work and posted money, or the whole database",
            "full_page_writes": "a crash of the host can leave pages half written, which nothing mends",
            "zero_damaged_pages": "a damaged page is emptied without a word",
            "ignore_checksum_failure": "a damaged page is used without a word",
        ]
        return why.sorted { $0.key < $1.key }.compactMap { name, why in
            guard let value = facts.settings[name], value != ServerFacts.expected[name] else { return nil }
            let wanted = ServerFacts.expected[name] ?? ""
            return ServerConcern(
                name, .refusal,
                "\(name) is \(value): \(why). Set it to \(wanted) (ALTER SYSTEM SET \(name) = \(wanted); "
                    + "SELECT pg_reload_conf();), for this role and database too")
        }
    }

    private static func upkeep(_ facts: ServerFacts) -> [ServerConcern] {
        var concerns: [ServerConcern] = []
        for name in ["autovacuum", "track_counts"] {
            guard let value = facts.settings[name], value != "on" else { continue }
            concerns.append(
                ServerConcern(
                    name, .warning,
                    "\(name) is \(value): nobody clears away what was deleted, and all becomes slower and larger. "
                        + "Set it to on, for this role and database too"))
        }
        if let limit = facts.settings["temp_file_limit"], limit != "-1" {
            concerns.append(
                ServerConcern(
                    "temp_file_limit", .warning,
                    "temp_file_limit is \(limit): a large statement may fail for it. Set it to -1 for this role",
                    ["limit": limit]))
        }
        if facts.waitsForStandby {
            concerns.append(
                ServerConcern(
                    "standby", .warning,
                    "commits wait for a synchronous standby that doesn't answer, so nothing goes on. Bring it back, or "
                        + "go on without it: ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf();"))
        }
        if facts.publicIsOpen {
            concerns.append(
                ServerConcern(
                    "public_schema", .warning,
                    "everybody may create functions in the schema public, beside Moose's doors for other services, and "
                        + "so take calls that leave out a type. Run: REVOKE CREATE ON SCHEMA public FROM PUBLIC;"))
        }
        if facts.notificationQueue > 0.5 {
            concerns.append(
                ServerConcern(
                    "notifications", .warning,
                    "the queue of notifications fills up: once it is full, no commit that notifies succeeds. A session "
                        + "that listens keeps a transaction open; end it",
                    ["full": "\(Int(facts.notificationQueue * 100)) %"]))
        }
        return concerns
    }

    private static func connections(_ facts: ServerFacts, _ sessions: Int) -> [ServerConcern] {
        let shares: [(name: String, share: ServerFacts.Share?, mend: String)] = [
            ("max_connections", facts.connections, "Raise max_connections, or end sessions that nobody needs"),
            ("role_connections", facts.roleConnections, "Run: ALTER ROLE … CONNECTION LIMIT -1;"),
            ("database_connections", facts.databaseConnections, "Run: ALTER DATABASE … CONNECTION LIMIT -1;"),
        ]
        return shares.compactMap { name, share, mend in
            guard let share, share.limit < sessions || share.free < sessions else { return nil }
            let isHopeless = share.limit < sessions
            return ServerConcern(
                name, isHopeless ? .refusal : .warning,
                isHopeless
                    ? "\(share.limit) sessions are allowed, and one process of Moose needs \(sessions). \(mend)"
                    : "too few sessions are left for one more process of Moose, which needs \(sessions). \(mend)",
                ["limit": "\(share.limit)", "used": "\(share.used)"])
        }
    }

    private static func holders(_ facts: ServerFacts) -> [ServerConcern] {
        var concerns: [ServerConcern] = []
        func add(_ name: String, _ holder: ServerFacts.Holder?, _ what: String, _ mend: String) {
            guard let holder, let age = holder.age, age >= longTransaction else { return }
            concerns.append(
                ServerConcern(
                    name, .warning,
                    "\(what) for more than an hour, so that vacuum can clear nothing away and all becomes slower. "
                        + mend,
                    ["who": holder.name, "minutes": "\(age.components.seconds / 60)"]))
        }
        add(
            "long_transaction", facts.oldestTransaction, "a transaction has been open",
            "End it, or its session with pg_terminate_backend")
        add(
            "prepared_transaction", facts.oldestPrepared, "a prepared transaction has been left",
            "COMMIT PREPARED or ROLLBACK PREPARED it")
        if !facts.abandonedSlots.isEmpty {
            concerns.append(
                ServerConcern(
                    "replication_slot", .warning,
                    "nobody reads from a replication slot, so that the disk fills up. Let its standby come back, or "
                        + "run: SELECT pg_drop_replication_slot('…');",
                    ["slots": facts.abandonedSlots.joined(separator: ", ")]))
        }
        return concerns
    }
}
