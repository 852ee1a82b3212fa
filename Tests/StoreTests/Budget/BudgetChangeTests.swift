import Postgres
import Store
import Testing
import WorkOrders

/// Limits change while reservations are under way.
struct BudgetChangeTests {
    @Test func `after a freeze has answered nothing more is granted, whoever was waiting`() async throws {
        try await StoreDesk.open(connections: 12) { desk in
            for _ in 1...10 {
                try await desk.run("SELECT moose.unfreeze_budget('org', 'org', 'test', 'again')")
                let before = try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...10 {
                        group.addTask {
                            for _ in 1...20 { _ = try await desk.claim([try StoreDesk.order(usd: "0.001")]) }
                        }
                    }
                    try await Task.sleep(for: .milliseconds(3))
                    try await desk.run("SELECT moose.freeze_budget('org', 'org', 'test', 'stop')")
                    let granted = try await desk.count("moose.budget_holds")
                    try await group.waitForAll()
                    return granted
                }
                #expect(try await desk.count("moose.budget_holds") == before)
            }
        }
    }
}
