import Postgres
import Store
import Testing
import WorkOrders

/// Limits change while reservations are under way.
struct BudgetChangeTests {
    @Test func `after a freeze has answered nothing more is granted, whoever was waiting`() async throws {
        try await Ledger.open(connections: 12) { ledger in
            for _ in 1...10 {
                try await ledger.run("SELECT moose.unfreeze_budget('org', 'org', 'test', 'again')")
                let before = try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...10 {
                        group.addTask {
                            for _ in 1...20 { _ = try await ledger.claim([try Ledger.order(usd: "0.001")]) }
                        }
                    }
                    try await Task.sleep(for: .milliseconds(3))
                    try await ledger.run("SELECT moose.freeze_budget('org', 'org', 'test', 'stop')")
                    let granted = try await ledger.count("moose.budget_holds")
                    try await group.waitForAll()
                    return granted
                }
                #expect(try await ledger.count("moose.budget_holds") == before)
            }
        }
    }
}
