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
