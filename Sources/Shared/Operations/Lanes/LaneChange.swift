package import Postgres
package import Settings

/// What an operator wants of a lane, and who says so.
package struct LaneChange: Sendable {
    package let lane: String
    package let who: String
    package let reason: String?

    package init(lane: String, who: String, reason: String?) {
        self.lane = lane
        self.who = who
        self.reason = reason
    }

    /// Starts nothing of it from now on.
    ///
    /// - Returns: whether it was not paused before.
    package func pause(in database: PostgresClient) async throws -> Bool {
        try await database.value("SELECT moose.pause_lane(\(lane), \(who), \(reason))")
    }

    /// Lets it go on.
    ///
    /// - Returns: whether it was paused before.
    package func resume(in database: PostgresClient) async throws -> Bool {
        try await database.value("SELECT moose.resume_lane(\(lane), \(who), \(reason))")
    }

    /// Sets what is given; 0 takes a setting away.
    package func set(weight: Int?, concurrency: Int?, rate: StartRate?, in database: PostgresClient) async throws {
        _ = try await database.run(
            """
            SELECT moose.set_lane_limits(
                \(lane), \(weight.map(Int32.init(clamping:))), \(concurrency.map(Int32.init(clamping:))),
                \(rate.map { Int32(clamping: $0.count) }), \(rate.map { Int32(clamping: $0.seconds) }), \(who),
                \(reason))
            """)
    }
}
