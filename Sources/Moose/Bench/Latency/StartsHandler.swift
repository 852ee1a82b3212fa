internal import FoundationEssentials
internal import WorkOrders

/// Does nothing, at a known cost, and tells when each job began.
final class StartsHandler: WorkHandler {
    /// The first thing a handler did.
    struct Start: Sendable {
        let id: UUID
        let at: ContinuousClock.Instant
    }

    /// In the order in which they began; for one reader at a time.
    let starts: AsyncStream<Start>
    private let continuation: AsyncStream<Start>.Continuation

    init() {
        let (starts, continuation) = AsyncStream<Start>.makeStream()
        self.starts = starts
        self.continuation = continuation
    }

    func run(_ job: Job) async -> Outcome {
        let now = ContinuousClock.now
        continuation.yield(Start(id: job.id, at: now))
        return .completed(AttemptReport(didStart: true, cost: BenchOrders.cost))
    }

    /// The next start.
    /// - Throws: `CancellationError` when the task is cancelled.
    func next() async throws -> Start {
        for await start in starts { return start }
        throw CancellationError()
    }
}
