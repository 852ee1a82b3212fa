internal import FoundationEssentials
internal import Postgres

/// What came of a run: states, money, failures, and what a person must decide.
struct Summary: Sendable {
    let client: PostgresClient

    func print(_ ids: [UUID]) async throws {
        let terminal = Terminal.standardOutput(environment: ProcessInfo.processInfo.environment)
        try await section(
            "Work orders", [.init("STATE"), .init("COUNT", .right)], terminal,
            "SELECT state, count(*)::text FROM moose.work_orders WHERE id = ANY (\(ids)) GROUP BY 1 ORDER BY 2 DESC, 1")
        try await section(
            "Budgets", [.init("BUDGET"), .init("HELD", .right), .init("SETTLED", .right), .init("CAP", .right)],
            terminal,
            """
            SELECT p.name || ' ' || p.period, '$' || trim_scale(b.held_u / 1000000.0)::text,
                   '$' || trim_scale(b.posted_u / 1000000.0)::text,
                   '$' || trim_scale(coalesce(p.kill_u, p.hard_u) / 1000000.0)::text
            FROM moose.budget_buckets b JOIN moose.budget_policies p ON p.id = b.policy_id
            WHERE now() >= b.window_start AND now() < b.window_end ORDER BY p.id
            """)
        try await section(
            "Failures", [.init("CLASS"), .init("COUNT", .right)], terminal,
            """
            SELECT failure_class, count(*)::text FROM moose.work_orders
            WHERE id = ANY (\(ids)) AND state = 'failed' GROUP BY 1 ORDER BY 1
            """)
        try await section(
            "Escalations", [.init("COUNT", .right), .init("WHAT", isFlexible: true), .init("FIRST OPTION")], terminal,
            """
            SELECT count::text, failure_class || ': ' || split_part(message, E'\\n', 1), options -> 0 ->> 'title'
            FROM moose.escalations WHERE state <> 'resolved' ORDER BY last_seen, id LIMIT 20
            """)
        let differences = try await client.run("SELECT count(*) FROM moose.reconcile()").first?.decode(
            0, as: Int64.self)
        guard differences == 0 else {
            throw CommandFailure("the books differ", next: "run `moose budget reconcile`")
        }
        Swift.print("The books balance: every bucket equals its holds and its ledger.")
    }

    private func section(
        _ title: String, _ columns: [Table.Column], _ terminal: Terminal, _ query: Query
    ) async throws {
        var table = Table(columns)
        for row in try await client.run(query).rows {
            var cells: [Table.Cell] = []
            for index in columns.indices { cells.append(.init(try row.decode(index, as: String?.self) ?? "")) }
            table.add(cells)
        }
        Swift.print("\n" + terminal.styled(title, .bold))
        Swift.print(table.isEmpty ? "  none" : table.text(for: terminal))
    }
}
