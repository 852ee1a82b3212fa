internal import Postgres

/// How many rows of `work_orders` were updated so far, and how many of these updates were HOT: they touched no index.
struct OrderUpdates: Sendable {
    let all: Int
    let hot: Int

    /// What the server has counted. A session counts its own updates at its end at the latest, so the sessions of that
    /// name are waited for; one that is still there after 15 s is not.
    static func counted(_ database: PostgresClient, after application: String) async throws -> OrderUpdates {
        let deadline = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < deadline {
            let row = try await database.run(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = \(application)"
            ).first
            if try row?.decode(0, as: Int64.self) == 0 { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let row = try await database.run(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'moose.work_orders'::regclass"
        ).first
        return OrderUpdates(
            all: Int(try row?.decode(0, as: Int64.self) ?? 0), hot: Int(try row?.decode(1, as: Int64.self) ?? 0))
    }

    /// The HOT share of what came since, in percent; 0 without any.
    func hotShare(since earlier: OrderUpdates) -> Double {
        all > earlier.all ? Double(hot - earlier.hot) / Double(all - earlier.all) * 100 : 0
    }
}
