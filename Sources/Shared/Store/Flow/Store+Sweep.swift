internal import FoundationEssentials
package import Postgres

/// How far a sweep of a lane has come. It goes on there, so that no statement looks at all that waits.
package struct SweepPlace: Sendable, Equatable {
    fileprivate enum State: String, CaseIterable {
        case scheduled
        case pending
        case retrying
    }

    fileprivate var state = State.scheduled
    /// The last order that was looked at; nil: none of this state.
    fileprivate var last: (runAt: Date, id: UUID)?

    package init() {}

    package static func == (left: SweepPlace, right: SweepPlace) -> Bool {
        left.state == right.state && left.last?.id == right.last?.id && left.last?.runAt == right.last?.runAt
    }
}

extension Store {
    private static let nobody = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    /// How many orders one statement looks at.
    package static let sweepPiece = 2000

    /// The safety net: rings again what is due on lanes whose queue is empty and has no doorbell. It looks at a bounded
    /// number of orders and goes on there the next time.
    ///
    /// - Parameters:
    ///   - places: where to go on in each lane; a lane that is through is taken out.
    ///   - pieces: how many statements at most.
    /// - Returns: how many it rang.
    package func sweep(
        idleLanes: [String], places: inout [String: SweepPlace], pieces: Int
    ) async throws(PostgresError) -> Int {
        var rung = 0
        var left = pieces
        for lane in idleLanes {
            var place: SweepPlace? = places[lane] ?? SweepPlace()
            while let from = place, left > 0 {
                left -= 1
                let (count, next) = try await sweepPiece(lane, from)
                rung += count
                place = next
                places[lane] = next
            }
        }
        return rung
    }

    /// All of these lanes from their beginning, and what else a sweep does.
    package func sweep(idleLanes: [String]) async throws(PostgresError) -> Int {
        var places: [String: SweepPlace] = [:]
        return try await sweep(idleLanes: idleLanes, places: &places, pieces: .max) + tidy()
    }

    private func sweepPiece(_ lane: String, _ place: SweepPlace) async throws(PostgresError) -> (Int, SweepPlace?) {
        let (rung, runAt, id) = try await postgres.row(
            """
            SELECT rung, next_run_at, next_id FROM moose.sweep(
                \(lane), \(place.state.rawValue), coalesce(\(place.last?.runAt)::timestamptz, '-infinity'),
                \(place.last?.id ?? Self.nobody), \(Int32(Self.sweepPiece)))
            """, as: (Int, Date?, UUID?).self)
        var next: SweepPlace? = place
        if let runAt, let id {
            next?.last = (runAt, id)
        } else {
            next = nil
            let states = SweepPlace.State.allCases
            if let index = states.firstIndex(of: place.state), index + 1 < states.count {
                next = SweepPlace()
                next?.state = states[index + 1]
            }
        }
        return (rung, next)
    }

    /// What a sweep does beside ringing, each in a transaction of its own. Returns how many orders can go on.
    package func tidy() async throws(PostgresError) -> Int {
        let reviewed = try await postgres.count("SELECT moose.review_waits()")
        let woken = try await wakeGates()
        _ = try await postgres.run("SELECT moose.sample_burn()")
        _ = try await postgres.run("SELECT moose.tidy_flow()")
        return woken + reviewed
    }
}
