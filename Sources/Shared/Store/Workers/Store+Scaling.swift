package import Postgres

/// What the database knows of a lane's work; what waits in the broker comes on top.
package struct LaneLoad: Sendable {
    package let lane: String
    /// Stored orders that could run now; those that a limit or a key holds back are left out.
    package let due: Int
    package let running: Int
    /// Since when the oldest of the due ones could run.
    package let oldestAge: Duration
    /// How many may start now by the lane's pause, limit and rate; nil: it has none.
    package let room: Int?
}

extension Store {
    /// The work of these lanes, each of them with an answer. Counts stop at 100,000.
    package func laneLoads(_ lanes: [String]) async throws(PostgresError) -> [LaneLoad] {
        try await postgres.run(
            "SELECT lane, due, running, oldest_seconds, room FROM moose.lane_load(\(lanes))"
        ).rows.decode((String, Int, Int, Double, Int?).self).map { lane, due, running, oldest, room in
            LaneLoad(lane: lane, due: due, running: running, oldestAge: .seconds(oldest), room: room)
        }
    }
}
