internal import FoundationEssentials
package import Postgres
internal import WorkOrders

/// Gives a lane another name, as after it was renamed in moose.yaml: what waits in it and what an operator set for it
/// move to the new one. What runs stays as it is, and so does what the database doesn't know: messages that still stand in
/// the lane's queue.
///
/// May be interrupted and run again at any time.
package struct LaneRename: Sendable {
    /// What came of it.
    package struct Outcome: Sendable, Equatable {
        /// How many orders were moved.
        package let moved: Int
        /// How many still wait under the old name: they came since, or somebody held them the whole time.
        package let left: Int
        /// How many run under the old name. One that is tried again waits there.
        package let running: Int
        /// Whether the old name has settings still: until nothing of it waits, runs or is queued.
        package let keepsSettings: Bool
        /// Schedules that write their orders for the old name, by name.
        package let schedules: [String]

        package init(moved: Int, left: Int, running: Int, keepsSettings: Bool, schedules: [String]) {
            self.moved = moved
            self.left = left
            self.running = running
            self.keepsSettings = keepsSettings
            self.schedules = schedules
        }
    }

    /// How many orders one commit moves.
    package static let piece = 500
    /// How often it goes through what waits, for what somebody held the time before.
    private static let rounds = 25

    package let old: String
    package let new: String
    package let who: String
    package let reason: String

    /// - Throws: ``OperationError/Kind/invalid`` where no lane can have such a name, or both are one.
    package init(old: String, new: String, who: String, reason: String) throws(OperationError) {
        do {
            self.old = try FieldRule.lane.check(old, "the lane's name")
            self.new = try FieldRule.lane.check(new, "its new name")
        } catch {
            throw OperationError(.invalid, error.explanation)
        }
        guard old != new else { throw OperationError(.invalid, "the lane has the name “\(new)” already") }
        self.who = who
        self.reason = reason
    }

    /// Does it. The caller has seen to it that the new lane has a queue: what is published where none is becomes a dead
    /// letter.
    ///
    /// - Parameter queueIsEmpty: whether the old lane's queue holds no message, or is gone. While it holds some, the
    ///   old lane keeps its settings too, so that a pause or a limit goes on holding for them.
    /// - Throws: `PostgresError` with SQLSTATE MS008 where both lanes have settings and these differ; nothing was
    ///   changed.
    package func run(queueIsEmpty: Bool, in database: PostgresClient) async throws -> Outcome {
        _ = try await database.run("SELECT moose.begin_lane_rename(\(old), \(new), \(who), \(reason))")
        var moved = 0
        for round in 1...Self.rounds {
            let (seen, count) = try await moveAll(in: database)
            moved += count
            if seen == count { break }
            // Claims and ends hold an order for some milliseconds.
            if round < Self.rounds { try await Task.sleep(for: .milliseconds(200)) }
        }
        let schedules = try await database.run(
            "SELECT name FROM moose.schedules WHERE template ->> 'lane' = \(old) ORDER BY name"
        ).rows.decode(String.self)
        let (left, running, keepsSettings) = try await database.row(
            "SELECT waiting, running, has_settings FROM moose.end_lane_rename(\(old), \(new), \(queueIsEmpty))",
            as: (Int, Int, Bool).self)
        return Outcome(
            moved: moved, left: left, running: running, keepsSettings: keepsSettings, schedules: schedules)
    }

    /// One round.
    private func moveAll(in database: PostgresClient) async throws -> (seen: Int, moved: Int) {
        var (seen, moved) = (0, 0)
        var place: UUID? = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        while let after = place {
            try Task.checkCancellation()
            let piece = try await database.row(
                "SELECT seen, moved, next_id FROM moose.move_waiting(\(old), \(new), \(after), \(Int32(Self.piece)))",
                as: (Int, Int, UUID?).self)
            seen += piece.0
            moved += piece.1
            place = piece.2
        }
        return (seen, moved)
    }
}
