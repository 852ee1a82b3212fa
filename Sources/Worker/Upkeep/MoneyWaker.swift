internal import Logging
internal import Reporting
internal import Store

/// Wakes orders that wait for money, oldest first, as many as there is money for.
struct MoneyWaker: Sendable {
    let store: Store
    let reporter: Reporter
    let logger: Logger

    func run() async {
        let repeating = Repeating(
            "wake", every: .seconds(1), problem: "nobody was woken for money", reporter: reporter)
        await repeating.run {
            let woken = try await store.wakeForMoney()
            if woken > 0 { logger.info("money for waiting work", metadata: ["work_orders": "\(woken)"]) }
        }
    }
}
