internal import FoundationEssentials
internal import Logging
internal import Reporting
internal import Store

extension WorkerPool {
    /// Marks workers lost that no longer say that they live, tells of each once, and forgets old ones.
    func tendRegistry() async {
        let silence = max(configuration.lease, configuration.heartbeat * 3)
        // As with leases: a database that comes back after a minute finds everybody silent.
        var watch = LeaseWatch(patience: configuration.leasePass, latest: configuration.leasePass * 2)
        await every(configuration.leasePass + .milliseconds(50)) {
            do {
                let asked = ContinuousClock.now
                let silent = try await self.control.silentWorkers(after: silence)
                let lost = watch.pass(
                    silent.map { ExpiredLease(key: LeaseKey(id: $0, token: 0), expiry: 0) }, asked: asked,
                    answered: .now
                ).map(\.id)
                let count = try await self.control.markWorkersLost(lost, after: silence)
                if count > 0 { self.logger.warning("workers were lost", metadata: ["workers": "\(count)"]) }
                try await self.control.pruneWorkers(keep: self.configuration.keepsStoppedWorkers)
            } catch {
                watch.passFailed()
                self.reporter.report("registry", "the registry was not looked at", error: error)
            }
        }
    }
}
