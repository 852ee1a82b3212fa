internal import AMQP
internal import FoundationEssentials
internal import Logging
internal import Reporting
internal import Store
internal import Synchronization
internal import WorkOrders

extension WorkerPool {
    /// Starts what a claim granted. Each job is a task of its own, kept by its lease, so that a lost lease or the
    /// drain can cancel exactly that one; the drain waits for all of them. What was claimed while the drain began goes
    /// back without having run.
    func start(_ grants: [(lane: Int, item: ClaimItem, grant: ClaimVerdict.Grant)]) {
        for (lane, item, grant) in grants {
            let job = makeJob(item, grant)
            let key = LeaseKey(id: job.id, token: job.token)
            let cancelled = state.withLock { state -> RunningJob? in
                guard !state.isStopping else {
                    state.finishes.append((lane, Self.unstarted(job)))
                    return nil
                }
                let running = RunningJob(
                    task: Task { await self.run(job, lane: lane) }, cancelFlag: job.cancelFlag)
                state.jobs[key] = running
                return state.cancelRequests[key] == nil ? nil : running
            }
            cancelled?.cancelOrder()
        }
    }

    private static func unstarted(_ job: Job) -> FinishItem {
        FinishItem(
            id: job.id, token: job.token, ending: .interrupted, report: AttemptReport(didStart: false),
            handler: job.handler, duration: .zero)
    }

    private func makeJob(_ item: ClaimItem, _ grant: ClaimVerdict.Grant) -> Job {
        let message: WorkOrderMessage? =
            switch item.form {
            case .order(let message): message
            case .doorbell: nil
            }
        let kind = grant.stored?.kind ?? message?.kind ?? ""
        let entry = handlers[grant.handler ?? kind]
        let seconds = grant.stored?.timeoutSeconds ?? message?.timeoutSeconds
        let body = grant.stored?.body ?? item.body
        return Job(
            id: item.id, kind: kind, handler: grant.handler ?? kind, title: grant.stored?.title ?? message?.title ?? "",
            lane: grant.stored?.lane ?? message?.lane ?? "", attempt: grant.attempt,
            maxAttempts: grant.stored?.maxAttempts ?? message?.maxAttempts ?? entry?.maxAttempts
                ?? configuration.defaultMaxAttempts,
            token: grant.token, body: body, estimate: grant.estimate,
            allowance: entry?.model.map { model in
                Allowance(
                    model: model.model, maxTokens: model.tokens(hold: grant.estimate, promptBytes: body.count))
            },
            timeout: seconds.map { .seconds($0) } ?? entry?.timeout ?? configuration.defaultTimeout,
            traceparent: grant.stored?.traceparent ?? item.traceparent)
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
        noteHost(outcome)
        tell(of: outcome, job)
        let item = FinishItem(
            id: job.id, token: job.token, ending: ending(of: job, outcome), report: outcome.report,
            handler: job.handler,
            duration: ContinuousClock.now - started)
        state.withLock { state in
            state.finishes.append((lane, item))
            state.ended.insert(LeaseKey(id: job.id, token: job.token))
            // The lease is renewed until the end is written: it stays in `jobs` till then.
        }
        wakeFinishes()
    }

    /// Tells a person, once for each cause, of what goes on in an order that goes on: an answer that can't be read in
    /// part, and a handler that again and again can't begin.
    private func tell(of outcome: Outcome, _ job: Job) {
        let details = ["handler": job.handler, "work_order": job.id.text, "attempt": "\(job.attempt)"]
        if let unread = outcome.report.unread {
            reporter.report(
                "settle",
                "\(job.handler): \(unread.words)"
                    + (outcome.report.cost == nil && job.estimate > .zero ? "; its estimate counts as spent" : ""),
                failureClass: .malformedOutput, details: details.merging(["said": unread.said]) { mine, _ in mine })
        }
        // Each claim raises the token, and only an attempt that began is counted.
        if case .notBegun(let failure) = outcome, job.token - Int64(job.attempt) >= 4 {
            reporter.report(
                "begin", "\(job.handler) can't begin, and its orders wait: \(failure.message)",
                failureClass: failure.failureClass, details: details)
        }
    }

    /// One outcome, one exhaustive switch.
    private func ending(of job: Job, _ outcome: Outcome) -> FinishItem.Ending {
        switch outcome {
        case .completed(let report): return report.pullRequest.map { .review($0) } ?? .completed
        // A result wins; whatever else came of it, nobody wants it tried again.
        case _ where job.cancelFlag.isSet: return .cancelled
        case .snoozed(let wait, _): return .snoozed(wait)
        case .interrupted: return .interrupted
        case .hostFault(let failure): return .returned(failure, after: .seconds(Double.random(in: 1...5)))
        case .notBegun(let failure):
            var generator = SystemRandomNumberGenerator()
            // The token counts the claims: each time in vain waits longer, to the cap of the kind.
            let policy = handlers[job.kind]?.retry ?? configuration.retry
            let wait =
                policy.delay(
                    after: failure, attempt: Int(clamping: job.token), maxAttempts: .max, using: &generator)
                ?? policy.cap
            logger.warning(
                "not begun",
                metadata: [
                    "work_order": "\(job.id.text)", "kind": "\(job.kind)", "again_in": "\(wait)",
                    "why": "\(failure.message)",
                ])
            return .notBegun(failure, after: max(wait, .seconds(1)))
        case .failed(let failure, _):
            var generator = SystemRandomNumberGenerator()
            // The kind's own policy, also where a cheaper handler ran it.
            let wait = (handlers[job.kind]?.retry ?? configuration.retry).delay(
                after: failure, attempt: job.attempt, maxAttempts: job.maxAttempts, using: &generator)
            guard let wait else {
                logger.error(
                    "work order failed",
                    metadata: [
                        "work_order": "\(job.id.text)", "kind": "\(job.kind)", "attempt": "\(job.attempt)",
                        "class": "\(failure.failureClass.rawValue)", "error": "\(failure.message)",
                    ])
                return .failed(failure)
            }
            logger.warning(
                "attempt failed",
                metadata: [
                    "work_order": "\(job.id.text)", "kind": "\(job.kind)", "attempt": "\(job.attempt)",
                    "class": "\(failure.failureClass.rawValue)", "retry_in": "\(wait)", "error": "\(failure.message)",
                ])
            return .retry(failure, after: wait)
        }
    }
}
