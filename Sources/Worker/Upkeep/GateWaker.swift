internal import Logging
internal import Reporting
internal import Store

/// Rings for orders that have room at their gates now.
struct GateWaker: Sendable {
    let store: Store
    let reporter: Reporter
    let logger: Logger

    func run() async {
        let repeating = Repeating(
            "wake", every: .seconds(1), problem: "nobody was woken at the gates", reporter: reporter)
        await repeating.run {
            let woken = try await store.wakeGates()
            if woken > 0 { logger.debug("room for work at the gates", metadata: ["work_orders": "\(woken)"]) }
        }
    }
}
