internal import FoundationEssentials
internal import Postgres

/// A policy with its bucket of the window now in force.
struct BudgetLine: Sendable {
    let scope: String
    let name: String
    let period: String
    let limits: BudgetLimits
    let windowStart: Date
    let windowEnd: Date
    let heldMicroUSD: Int64
    let postedMicroUSD: Int64

    /// The org first. A window nobody has spent in yet has no bucket: that is zero.
    static func current(in database: PostgresClient) async throws -> [BudgetLine] {
        try await database.run(
            """
            SELECT p.scope, p.name, p.period, p.soft_u, p.hard_u, p.kill_u, w.window_start, w.window_end,
                   coalesce(b.held_u, 0), coalesce(b.posted_u, 0)
            FROM moose.budget_policies p
            CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) w
            LEFT JOIN moose.budget_buckets b ON b.policy_id = p.id AND b.window_start = w.window_start
            ORDER BY p.scope, p.name, p.id
            """
        ).rows.map { row in
            BudgetLine(
                scope: try row.decode(0), name: try row.decode(1), period: try row.decode(2),
                limits: BudgetLimits(soft: try row.decode(3), hard: try row.decode(4), kill: try row.decode(5)),
                windowStart: try row.decode(6), windowEnd: try row.decode(7), heldMicroUSD: try row.decode(8),
                postedMicroUSD: try row.decode(9))
        }
    }

    /// `org, day` or `project shop, month`.
    var title: String { (scope == "org" ? "org" : "project \(name)") + ", \(period)" }

    var bar: BudgetBar {
        BudgetBar(
            spentMicroUSD: postedMicroUSD, heldMicroUSD: heldMicroUSD, softMicroUSD: limits.soft,
            hardMicroUSD: limits.hard, killMicroUSD: limits.kill)
    }

    /// What new work can still take; below zero after an overrun.
    var freeMicroUSD: Int64? { limits.cap.map { $0 - heldMicroUSD - postedMicroUSD } }

    /// `$1.20 spent, $0.30 held of $100.00`.
    var use: String {
        "\(MoneyText.dollars(postedMicroUSD)) spent, \(MoneyText.dollars(heldMicroUSD)) held"
            + (limits.cap.map { " of \(MoneyText.dollars($0))" } ?? "")
    }

    var json: JSONValue {
        [
            "scope": .string(scope), "name": .string(name), "period": .string(period), "soft_usd": .usd(limits.soft),
            "hard_usd": .usd(limits.hard), "kill_usd": .usd(limits.kill), "window_start": .time(windowStart),
            "window_end": .time(windowEnd), "held_usd": .usd(heldMicroUSD), "posted_usd": .usd(postedMicroUSD),
            "free_usd": .usd(freeMicroUSD),
        ]
    }
}
