internal import FoundationEssentials
package import Store

/// Deletes what is finished and old, part by part, in steps that last about a tenth of a second and leave the database
/// to others for most of the time.
package struct Retention: Sendable {
    /// How many days each part is kept.
    package var days: [RetentionPart: Int]
    /// Of its time, how much it works; the rest it pauses. Default 20 %.
    package var share = 20
    /// At most so many orders; nil: all.
    package var limit: Int?
    /// Only counts.
    package var isDryRun = false

    /// How long a step should take at most; the next one looks at fewer blocks where it took longer.
    static let stepTime = Duration.milliseconds(100)
    static let rowsAStep = 500
    static let blocks = 8...4096

    package init(days: [RetentionPart: Int]) { self.days = days }

    /// - Parameter afterStep: called after each step, with what the part has deleted so far.
    /// - Returns: what it deleted, or would delete.
    /// - Throws: when the database is away, or the task is cancelled. Every step stands for itself: run it again.
    package func run(
        on store: Store,
        afterStep: (_ part: RetentionPart, _ counts: RetentionCounts) async throws -> Void = { _, _ in }
    ) async throws -> RetentionCounts {
        var counts = RetentionCounts()
        for part in RetentionPart.allCases {
            guard let days = days[part] else { continue }
            try await run(part, days, store, &counts, afterStep)
        }
        return counts
    }

    private func run(
        _ part: RetentionPart, _ days: Int, _ store: Store, _ counts: inout RetentionCounts,
        _ afterStep: (_ part: RetentionPart, _ counts: RetentionCounts) async throws -> Void
    ) async throws {
        var next: Int64? = 0
        var blocks = 64
        while let block = next {
            try Task.checkCancellation()
            var rows = Self.rowsAStep
            if part == .orders, let limit {
                rows = min(rows, limit - counts.orders)
                guard rows > 0 else { return }
            }
            let started = ContinuousClock.now
            let step = try await store.prune(
                part, olderThan: days, from: block, blocks: blocks, limit: rows, dryRun: isDryRun)
            let time = ContinuousClock.now - started
            counts.add(step, of: part)
            next = step.next
            if time > Self.stepTime {
                blocks = max(Self.blocks.lowerBound, blocks / 2)
            } else if time < Self.stepTime / 4, step.next != block {
                blocks = min(Self.blocks.upperBound, blocks * 2)
            }
            try await afterStep(part, counts)
            guard next != nil else { return }
            try await Task.sleep(for: max(.milliseconds(1), time * (100 - share) / share))
        }
    }
}
