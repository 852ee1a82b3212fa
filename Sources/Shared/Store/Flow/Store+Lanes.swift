package import Postgres

/// What a worker has to know of a lane that an operator set something for.
package struct LaneState: Sendable, Equatable {
    package let name: String
    /// Nil: the weight of the configuration.
    package let weight: Int?
    package let isPaused: Bool
    /// It has a limit or a rate of its own.
    package let isLimited: Bool
}

extension Store {
    /// The lanes an operator set something for.
    package func lanes() async throws(PostgresError) -> [LaneState] {
        try await postgres.run(
            """
            SELECT name, weight, paused_at IS NOT NULL, concurrency IS NOT NULL OR rate IS NOT NULL FROM moose.lanes
            """
        ).rows.decode().map(LaneState.init)
    }

    /// Calls orders that a limit held back and that have room now, oldest first. Returns how many.
    package func wakeGates() async throws(PostgresError) -> Int {
        try await postgres.count("SELECT moose.wake_gates()")
    }
}

extension Store {
    /// Lanes that no living worker takes work from, of those configured, those known from before and those of stored
    /// orders. Keeps the configured ones among the known.
    package func lanesToLookAt(configured: [String]) async throws(PostgresError) -> [String] {
        try await postgres.run("SELECT moose.lanes_to_look_at(\(configured))").rows.decode(String.self)
    }

    /// Keeps what was found of lanes without a worker, and tells of each that has had work for so long; once.
    /// - Parameter queued: how many messages the queue of each lane holds; nil: it has no queue.
    /// - Returns: how many were told of.
    package func noteUntended(
        _ lanes: [(name: String, queued: Int?)], configured: [String], patience: Duration
    ) async throws(PostgresError) -> Int {
        try await postgres.count(
            """
            SELECT moose.note_untended_lanes(
                \(lanes.map(\.name)), \(lanes.map { $0.queued.map { Int64($0) } }), \(configured),
                \(patience.milliseconds) * interval '1 millisecond')
            """)
    }
}
