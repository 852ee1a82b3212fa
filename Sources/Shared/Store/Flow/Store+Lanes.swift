package import Postgres

/// What a worker has to know of a lane that an operator set something for.
package struct LaneState: Sendable, Equatable {
    package let name: String
    /// Nil: the weight of the configuration.
    package let weight: Int?
    package let isPaused: Bool
}

extension Store {
    /// The lanes an operator set something for.
    package func lanes() async throws(PostgresError) -> [LaneState] {
        var lanes: [LaneState] = []
        for row in try await postgres.run("SELECT name, weight, paused_at IS NOT NULL FROM moose.lanes").rows {
            lanes.append(
                LaneState(
                    name: try row.decode(0, as: String.self), weight: try row.decode(1, as: Int32?.self).map(Int.init),
                    isPaused: try row.decode(2, as: Bool.self)))
        }
        return lanes
    }

    /// Rings for orders that a limit held back and that have room now, oldest first. Returns how many.
    package func wakeGates() async throws(PostgresError) -> Int {
        let result = try await postgres.run("SELECT moose.wake_gates()")
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }
}

extension Store {
    /// Lanes that no living worker takes work from, of those configured, those known from before and those of stored
    /// orders. Keeps the configured ones among the known.
    package func lanesToLookAt(configured: [String]) async throws(PostgresError) -> [String] {
        var lanes: [String] = []
        for row in try await postgres.run("SELECT moose.lanes_to_look_at(\(configured))").rows {
            lanes.append(try row.decode(0, as: String.self))
        }
        return lanes
    }

    /// Keeps what was found of lanes without a worker, and tells of each that has had work for so long; once.
    /// - Parameter queued: how many messages the queue of each lane holds; nil: it has no queue.
    /// - Returns: how many were told of.
    package func noteUntended(
        _ lanes: [(name: String, queued: Int?)], configured: [String], patience: Duration
    ) async throws(PostgresError) -> Int {
        let result = try await postgres.run(
            """
            SELECT moose.note_untended_lanes(
                \(lanes.map(\.name)), \(lanes.map { $0.queued.map { Int64($0) } }), \(configured),
                \(patience.milliseconds) * interval '1 millisecond')
            """)
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }
}
