import FoundationEssentials
import Postgres
import Store
import WorkOrders

extension StoreDesk {
    /// As a worker does: a claim that lost a deadlock is asked again.
    func claimPatiently(
        _ items: [ClaimItem], kinds: [String: KindTerms] = ["work": KindTerms(estimate: .zero)]
    ) async throws -> [ClaimVerdict] {
        let name = UUID()
        while true {
            do {
                return try await claim(items, claim: name, kinds: kinds)
            } catch let error as PostgresError {
                guard error.sqlState == "40P01" else { throw error }
            }
        }
    }

    /// The same for an end.
    func endPatiently(_ ends: [(id: UUID, token: Int64)]) async throws {
        let items = ends.map { end in
            FinishItem(
                id: end.id, token: end.token, ending: .completed, report: AttemptReport(didStart: true, cost: .zero),
                handler: "work", duration: .zero)
        }
        while true {
            do {
                _ = try await store.finish(items, worker: worker)
                return
            } catch {
                guard error.sqlState == "40P01" else { throw error }
            }
        }
    }

    /// Completes everything that runs.
    func endAll() async throws {
        let rows = try await store.postgres.run(
            "SELECT id, fencing_token FROM moose.work_orders WHERE state = 'in_progress'"
        ).rows
        try await endPatiently(
            rows.map { row throws(PostgresError) in
                (try row.decode(0, as: UUID.self), try row.decode(1, as: Int64.self))
            })
    }
}
