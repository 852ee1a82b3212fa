internal import CoreMetrics
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Reporting
internal import Store
internal import Telemetry
internal import WorkOrders

/// Takes work back from workers that are gone.
struct LeaseRescuer: Sendable {
    /// How many orders one statement takes back.
    private static let piece = 500

    let configuration: WorkerConfiguration
    let store: Store
    let metrics: WorkerMetrics
    let reporter: Reporter
    let logger: Logger

    func run() async {
        var failures = Failures<LeaseKey>()
        var watch = LeaseWatch(patience: configuration.leasePass, latest: configuration.leasePass * 2)
        // Slightly more than the patience, so that the second look counts.
        let repeating = Repeating(
            "rescue", every: configuration.leasePass + .milliseconds(50), startsAtOnce: true,
            problem: "expired leases were not looked at", reporter: reporter)
        await repeating.run {
            do {
                let asked = ContinuousClock.now
                let expired = try await store.expiredLeases()
                try await rescue(watch.pass(expired, asked: asked, answered: .now), &failures)
            } catch {
                watch.passFailed()
                throw error
            }
        }
    }

    private func rescue(_ leases: [LeaseKey], _ failures: inout Failures<LeaseKey>) async throws(PostgresError) {
        var count = 0
        for start in stride(from: 0, to: leases.count, by: Self.piece) {
            let piece = Array(leases[start..<min(start + Self.piece, leases.count)])
            try await bisecting(piece) { some throws(PostgresError) in
                count += try await store.rescue(some, maxAttempts: configuration.defaultMaxAttempts)
                for key in some { failures.clear(key) }
            } alone: { key, error in
                if await giveUp(key, after: failures.add(key), because: error) { failures.clear(key) }
            }
        }
        guard count > 0 else { return }
        metrics.rescues.increment(by: Int64(count))
        logger.warning("rescued work of a lost worker", metadata: ["work_orders": "\(count)"])
    }

    /// An order whose rescue the database refuses holds up no other; in the end it fails. True: it is dealt with.
    private func giveUp(_ key: LeaseKey, after failures: Int, because error: PostgresError) async -> Bool {
        reporter.report("rescue", "an order was not taken back", error: error, workOrder: key.id)
        guard failures >= 4, error.fault != .starved else { return false }
        do throws(PostgresError) {
            return try await store.endRefused(key.id, token: key.token, didStart: true, because: error)
        } catch {
            reporter.report(
                "rescue", "an order can neither be taken back nor be failed", error: error, workOrder: key.id,
                severity: .critical)
            return false
        }
    }
}
