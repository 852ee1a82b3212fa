internal import AMQP
internal import CoreMetrics
internal import DequeModule
internal import Logging
internal import Reporting
internal import Synchronization
internal import Telemetry
internal import WorkOrders

/// A host's fault is never charged to the work: what could not be started goes back, and this worker takes nothing new
/// until its machine can start something again.
extension WorkerPool {
    /// Takes note of what an attempt says of the machine.
    func noteHost(_ outcome: Outcome) {
        guard case .hostFault(let failure) = outcome else {
            if outcome.report.didStart { state.withLock { $0.host.worked() } }
            return
        }
        let isNews = state.withLock { $0.host.failed(failure.message, at: .now) }
        hostHint.yield()
        guard isNews else { return }
        reporter.report(
            "host", "this machine can't start work; the worker takes nothing new until it can",
            failureClass: .infrastructure, severity: .critical,
            details: [.host: configuration.host, .why: failure.message])
    }

    /// What the machine is short of; nil while all is well.
    var hostTrouble: String? { state.withLock { $0.host.trouble } }

    /// Stops the intake while the machine can't start work, looks again and again whether it can, and mends what a worker
    /// can mend there.
    func watchHost() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.every(.seconds(1)) {
                    await self.hostCheck?.tend()
                    self.hostHint.yield()
                }
            }
            group.addTask {
                // What waits here unclaimed is soon somebody else's, whose machine may be well.
                var watch = DatabaseWatch(patience: .zero, giveBackAfter: .seconds(10))
                for await _ in self.hostHints { await self.lookAtHost(&watch) }
            }
        }
    }

    private func lookAtHost(_ watch: inout DatabaseWatch) async {
        if state.withLock({ $0.host.wantsProbe(at: .now) }) {
            let missing = await hostCheck?.probe()
            state.withLock { $0.host.probed(missing, at: .now) }
        }
        // Who takes nothing any more has nothing to stop.
        guard !state.withLock({ $0.isStopping }) else { return }
        let trouble = hostTrouble
        switch watch.look(isAway: trouble != nil, at: .now) {
        case .nothing: break
        case .stopIntake:
            logger.error(
                "nothing new is taken until this machine can start work", metadata: ["why": "\(trouble ?? "")"])
            metrics.hostTrouble.set(Int64(1))
            await pauseAll()
        case .giveBack: await giveBack(because: "this machine still can't start work")
        case .resume:
            logger.info("this machine can start work again; consuming again")
            metrics.hostTrouble.set(Int64(0))
            await resumePaused()
            // What came before the trouble still waits here.
            wakeClaims()
        }
    }
}
