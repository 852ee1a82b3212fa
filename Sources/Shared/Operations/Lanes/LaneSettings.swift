package import FoundationEssentials
internal import Postgres
package import Settings

/// What an operator set for a lane.
package struct LaneSettings: Sendable {
    /// The columns ``init(_:from:)`` reads, of `moose.lanes` and of `moose.lane_states()`.
    static let columns = "weight, paused_at, paused_by, paused_why, concurrency, rate, rate_seconds"

    /// Nil: the weight of moose.yaml.
    package let weight: Int?
    package let pausedAt: Date?
    package let pausedBy: String?
    package let pausedWhy: String?
    package let concurrency: Int?
    package let rate: StartRate?

    /// - Parameter first: the place of the first of ``columns``.
    init(_ row: PostgresRow, from first: Int) throws {
        weight = try row.decode(first)
        pausedAt = try row.decode(first + 1)
        pausedBy = try row.decode(first + 2)
        pausedWhy = try row.decode(first + 3)
        concurrency = try row.decode(first + 4)
        let count = try row.decode(first + 5, as: Int?.self)
        let seconds = try row.decode(first + 6, as: Int?.self)
        rate = if let count, let seconds { StartRate(count: count, seconds: seconds) } else { nil }
    }

    var json: [String: JSONValue] {
        [
            "weight": .count(weight), "concurrency": .count(concurrency), "rate": .text(rate?.description),
            "paused": pausedAt.map { ["since": .time($0), "who": .text(pausedBy), "reason": .text(pausedWhy)] }
                ?? .null,
        ]
    }
}
