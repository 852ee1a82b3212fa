internal import CoreMetrics
internal import Logging
internal import Reporting
internal import Telemetry
internal import WorkOrders

/// A host's fault is never charged to the work: what could not be started goes back, and this worker takes nothing new
/// until its machine can start something again.
struct HostWatcher: Sendable {
    let configuration: WorkerConfiguration
    /// This machine; nil where nobody asks it anything: then a failure to start is forgotten after a moment.
    let check: (any HostCheck)?
    let board: PoolBoard
    let intake: Intake
    let metrics: WorkerMetrics
    let reporter: Reporter
    let logger: Logger
    /// Says that the machine is to be looked at.
    let bell = Bell()

    /// What the machine is short of; nil while all is well.
    var trouble: String? { board.look(\.host.trouble) }

    /// Takes note of a machine that could not start an attempt. One that could is noted with the attempt's end.
    func note(_ outcome: Outcome) {
        guard case .hostFault(let failure) = outcome else { return }
        let isNews = board.change { $0.hostFailed(failure.message, at: .now) }
        bell.ring()
        guard isNews else { return }
        reporter.report(
            "host", "this machine can't start work; the worker takes nothing new until it can",
            failureClass: .infrastructure, severity: .critical,
            details: [.host: configuration.host, .why: failure.message])
    }

    /// Stops the intake while the machine can't start work, looks again and again whether it can, and mends what a worker
    /// can mend there.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let repeating = Repeating(
                    "host", every: .seconds(1), problem: "this machine was not looked at", reporter: reporter)
                await repeating.run {
                    await check?.tend()
                    bell.ring()
                }
            }
            group.addTask {
                // What waits here unclaimed is soon somebody else's, whose machine may be well.
                var watch = DatabaseWatch(patience: .zero, giveBackAfter: .seconds(10))
                for await _ in bell.rings { await look(&watch) }
            }
        }
    }

    private func look(_ watch: inout DatabaseWatch) async {
        if board.look({ $0.host.wantsProbe(at: .now) }) {
            let missing = await check?.probe()
            board.change { $0.hostProbed(missing, at: .now) }
        }
        // Who takes nothing any more has nothing to stop.
        guard !board.look(\.isStopping) else { return }
        let trouble = trouble
        switch watch.look(isAway: trouble != nil, at: .now) {
        case .nothing: break
        case .stopIntake:
            logger.error(
                "nothing new is taken until this machine can start work", metadata: ["why": "\(trouble ?? "")"])
            metrics.hostTrouble.set(Int64(1))
            await intake.pauseAll()
        case .giveBack: await intake.giveBackUnclaimed(because: "this machine still can't start work")
        case .resume:
            logger.info("this machine can start work again; consuming again")
            metrics.hostTrouble.set(Int64(0))
            await intake.resume()
        }
    }
}
