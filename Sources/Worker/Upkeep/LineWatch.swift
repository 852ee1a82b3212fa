internal import Postgres
internal import Reporting
internal import Store

/// Looks for orders that can be taken from the line where slots are free: each second, when something becomes due before
/// that, when this worker has nothing else to do, and when others say that they left something.
struct LineWatch: Sendable {
    let kinds: [String]
    let store: Store
    let board: PoolBoard
    let reporter: Reporter
    let bell = Bell()

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in store.postgres.notifications(on: Store.lineChannel) { bell.ring() }
            }
            group.addTask {
                for await _ in board.lineRings { bell.ring() }
            }
            group.addTask {
                for await _ in bell.rings {
                    await look()
                    // However often it rings: at most ten looks a second.
                    try? await Task.sleep(for: .milliseconds(100))
                }
            }
            group.addTask {
                let repeating = Repeating(
                    "line", every: .seconds(1), startsAtOnce: true, problem: "nobody looked at the line",
                    reporter: reporter)
                await repeating.run { bell.ring() }
            }
        }
    }

    private func look() async {
        let lanes = board.look(\.lanesToLookAt)
        guard !lanes.isEmpty else { return }
        do throws(PostgresError) {
            let found = try await store.lookAtLine(lanes: lanes, kinds: kinds)
            if !found.lanes.isEmpty { board.change { $0.foundLine(found.lanes) } }
            if let wait = found.wait, wait < .seconds(1) {
                Task {
                    // Cancelled or late, the next look finds it.
                    try? await Task.sleep(for: wait + .milliseconds(1))
                    bell.ring()
                }
            }
        } catch {
            guard !Task.isCancelled else { return }
            reporter.report("line", "nobody looked at the line; the next look does", error: error)
        }
    }
}
