internal import Reporting
internal import Store

/// The safety net against lost wake-ups, and what has to be tidied now and then.
struct Sweeper: Sendable {
    let configuration: WorkerConfiguration
    let store: Store
    let reporter: Reporter

    func run() async {
        let repeating = Repeating(
            "sweep", every: configuration.sweep, problem: "nobody tidied up", reporter: reporter)
        await repeating.run { _ = try await store.tidy() }
    }
}
