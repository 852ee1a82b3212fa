package import Postgres

extension Store {
    /// What has to be looked at now and then, each in a transaction of its own. Returns how many orders can go on.
    package func tidy() async throws(PostgresError) -> Int {
        let reviewed = try await postgres.count("SELECT moose.review_waits()")
        let woken = try await wakeGates()
        _ = try await postgres.run("SELECT moose.sample_burn()")
        _ = try await postgres.run("SELECT moose.tidy_flow()")
        return woken + reviewed
    }
}
