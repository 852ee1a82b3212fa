internal import Synchronization
internal import WorkOrders

/// Does nothing, at a known cost, and counts how often.
final class NoOpHandler: WorkHandler {
    private let runs = Atomic<Int>(0)

    /// How many attempts it has run.
    var count: Int { runs.load(ordering: .relaxed) }

    func run(_ job: Job) async -> Outcome {
        runs.wrappingAdd(1, ordering: .relaxed)
        return .completed(AttemptReport(didStart: true, cost: BenchOrders.cost))
    }
}
