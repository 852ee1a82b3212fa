internal import FoundationEssentials
internal import Logging
internal import Reporting
internal import Store
internal import Telemetry
internal import WorkOrders

/// Runs what was claimed. Each job is a task of its own, kept by its lease, so that a lost lease or the drain can cancel
/// exactly that one; its end goes to the board.
final class Jobs: Sendable {
    private let configuration: WorkerConfiguration
    private let handlers: HandlerRegistry
    private let board: PoolBoard
    private let host: HostWatcher
    private let reporter: Reporter
    private let logger: Logger

    init(
        configuration: WorkerConfiguration, handlers: HandlerRegistry, board: PoolBoard, host: HostWatcher,
        reporter: Reporter, logger: Logger
    ) {
        self.configuration = configuration
        self.handlers = handlers
        self.board = board
        self.host = host
        self.reporter = reporter
        self.logger = logger
    }

    /// Starts orders that have their slots. What was claimed while the drain began goes back without having run.
    func start(_ orders: [(lane: Int, order: ClaimedOrder)]) {
        let jobs = orders.map { (lane: $0.lane, job: job(of: $0.order)) }
        let started = board.change { state in
            jobs.map { lane, job in
                state.start(LeaseKey(id: job.id, token: job.token), lane: lane) {
                    RunningJob(task: Task { await self.run(job, lane: lane) }, cancelFlag: job.cancelFlag)
                }
            }
        }
        for ((lane, job), started) in zip(jobs, started) {
            guard let started else {
                // It is no job of the board's: its end is all there is of it, and must be seen at once.
                let end = end(of: job, .interrupted, AttemptReport(didStart: false), after: .zero, lane: lane)
                board.change { $0.end(end) }
                continue
            }
            if started.isCancelled { started.job.cancelOrder() }
        }
    }

    /// The order as its handler sees it, with the terms of its kind where it has none of its own.
    private func job(of order: ClaimedOrder) -> Job {
        let entry = handlers[order.handler]
        return Job(
            id: order.id, kind: order.kind, handler: order.handler, title: order.title, lane: order.lane,
            attempt: order.attempt,
            maxAttempts: order.maxAttempts ?? entry?.maxAttempts ?? configuration.defaultMaxAttempts,
            token: order.token, body: order.body, estimate: order.estimate,
            allowance: entry?.model.map { model in
                Allowance(
                    model: model.model,
                    maxTokens: model.tokens(hold: order.estimate, promptBytes: order.body.count))
            },
            timeout: order.timeoutSeconds.map { .seconds($0) } ?? entry?.timeout ?? configuration.defaultTimeout,
            traceparent: order.traceparent)
    }

    private func run(_ job: Job, lane: Int) async {
        let started = ContinuousClock.now
        var outcome: Outcome
        if let entry = handlers[job.handler] {
            outcome = await entry.handler.run(job)
            if let price = entry.model?.price { outcome = outcome.priced(at: price) }
        } else {
            outcome = .failed(
                AttemptFailure(.orchestrationError, "no handler for the kind \(job.handler)", retry: .never),
                AttemptReport(didStart: false))
        }
        host.note(outcome)
        tell(of: outcome, job)
        let ending = ending(of: job, outcome)
        log(ending, job)
        board.end(end(of: job, ending, outcome.report, after: ContinuousClock.now - started, lane: lane))
    }

    private func end(
        of job: Job, _ ending: FinishItem.Ending, _ report: AttemptReport, after duration: Duration, lane: Int
    ) -> FinishTry {
        FinishTry(
            lane: lane,
            item: FinishItem(
                id: job.id, token: job.token, ending: ending, report: report, handler: job.handler, duration: duration))
    }

    /// One outcome, one exhaustive switch.
    private func ending(of job: Job, _ outcome: Outcome) -> FinishItem.Ending {
        // The kind's own policy, also where a cheaper handler ran it.
        var policy: RetryPolicy { handlers[job.kind]?.retry ?? configuration.retry }
        var generator = SystemRandomNumberGenerator()
        switch outcome {
        case .completed(let report): return report.pullRequest.map { .review($0) } ?? .completed
        // A result wins; whatever else came of it, nobody wants it tried again.
        case _ where job.cancelFlag.isSet: return .cancelled
        case .snoozed(let wait, _): return .snoozed(wait)
        case .interrupted: return .interrupted
        case .hostFault(let failure): return .returned(failure, after: .seconds(Double.random(in: 1...5)))
        case .notBegun(let failure):
            // The token counts the claims: each time in vain waits longer, to the cap of the kind.
            let policy = policy
            let wait =
                policy.delay(
                    after: failure, attempt: Int(clamping: job.token), maxAttempts: .max, using: &generator)
                ?? policy.cap
            return .notBegun(failure, after: max(wait, .seconds(1)))
        case .failed(let failure, _):
            let wait = policy.delay(
                after: failure, attempt: job.attempt, maxAttempts: job.maxAttempts, using: &generator)
            return wait.map { .retry(failure, after: $0) } ?? .failed(failure)
        }
    }

    private func log(_ ending: FinishItem.Ending, _ job: Job) {
        var metadata: Logger.Metadata {
            ["work_order": "\(job.id.text)", "kind": "\(job.kind)", "attempt": "\(job.attempt)"]
        }
        func told(_ failure: AttemptFailure, _ more: Logger.Metadata = [:]) -> Logger.Metadata {
            metadata.merging(
                ["class": "\(failure.failureClass.rawValue)", "error": "\(failure.message)"].merging(more) { $1 }
            ) { $1 }
        }
        switch ending {
        case .completed, .review, .snoozed, .interrupted, .returned, .cancelled: break
        case .notBegun(let failure, let wait):
            logger.warning(
                "not begun",
                metadata: metadata.merging(["again_in": "\(wait)", "why": "\(failure.message)"]) { $1 })
        case .failed(let failure): logger.error("work order failed", metadata: told(failure))
        case .retry(let failure, let wait):
            logger.warning("attempt failed", metadata: told(failure, ["retry_in": "\(wait)"]))
        }
    }

    /// Tells a person, once for each cause, of what goes on in an order that goes on: an answer that can't be read in
    /// part, and a handler that again and again can't begin.
    private func tell(of outcome: Outcome, _ job: Job) {
        var details: [String: String] {
            ["handler": job.handler, "work_order": job.id.text, "attempt": "\(job.attempt)"]
        }
        if let unread = outcome.report.unread {
            reporter.report(
                "settle",
                "\(job.handler): \(unread.words)"
                    + (outcome.report.cost == nil && job.estimate > .zero ? "; its estimate counts as spent" : ""),
                failureClass: .malformedOutput, details: details.merging(["said": unread.said]) { $1 })
        }
        // Each claim raises the token, and only an attempt that began is counted. A service that refused it won't think
        // better of it by itself: that is told at once.
        if case .notBegun(let failure) = outcome, job.token - Int64(job.attempt) >= 4 || !failure.facts.isEmpty {
            reporter.report(
                "begin", "\(job.handler) can't begin, and its orders wait: \(failure.message)",
                failureClass: failure.failureClass, details: details.merging(failure.facts.named) { $1 })
        }
    }
}
