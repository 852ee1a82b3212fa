internal import CoreMetrics
internal import FoundationEssentials
internal import Postgres
package import Reporting
package import Store
internal import Telemetry
internal import WorkOrders

/// One webhook as it came in.
package struct SentinelRequest: Sendable {
    /// `X-Hub-Signature-256`.
    package var signature: String?
    /// `X-GitHub-Event`.
    package var event: String?
    /// `X-GitHub-Delivery`.
    package var delivery: String?
    /// `Content-Type`.
    package var contentType: String?
    /// As it was sent: the signature is over these bytes.
    package var body: [UInt8]

    package init(signature: String?, event: String?, delivery: String?, contentType: String?, body: [UInt8]) {
        self.signature = signature
        self.event = event
        self.delivery = delivery
        self.contentType = contentType
        self.body = body
    }
}

/// What a webhook is answered.
package enum SentinelAnswer: Sendable, Equatable {
    /// Kept; a verdict follows. 202.
    case accepted
    /// Nothing to do, and why. 202.
    case ignored(String)
    /// This delivery was taken before; nothing changed. 200.
    case seenBefore
    /// The body can't be used, and why. 400.
    case malformed(String)
    /// No signature, or not one made with the secret. 401.
    case unsigned
    /// Longer than a webhook may be. 413.
    case tooLarge
    /// Too much is coming in at once that nobody has checked yet. 503.
    case busy
    /// No secret is configured. 503.
    case notConfigured
    /// The database is away. 503.
    case unavailable
}

/// Takes GitHub's webhooks: checks each, and keeps the results of workflows for a verdict.
package struct SentinelReceiver: Sendable {
    /// More than this is not read. GitHub sends some 20 to 200 KB for a run.
    package static let bodyLimit = 5 * 1024 * 1024
    private let store: Store
    private let secret: String?
    private let reporter: Reporter

    /// - Parameter secret: the webhook's secret; nil refuses all.
    package init(store: Store, secret: String?, reporter: Reporter) {
        self.store = store
        self.secret = secret
        self.reporter = reporter
    }

    /// What can be answered before the body was taken in: nobody without a signature makes this process hold megabytes.
    /// - Parameter length: what the request says that its body has, in bytes; nil where it doesn't say.
    package func refusal(signature: String?, length: Int?) -> SentinelAnswer? {
        if secret == nil { return .notConfigured }
        if !WebhookSignature.isWellFormed(signature) { return .unsigned }
        return length ?? 0 > Self.bodyLimit ? .tooLarge : nil
    }

    /// Counts an answer that was given without ``receive(_:)``.
    package func count(_ answer: SentinelAnswer) {
        Counter(.sentinelWebhooks, dimensions: [("answer", answer.label)]).increment()
    }

    /// Nothing is read from the body before its signature was checked.
    package func receive(_ request: SentinelRequest) async -> SentinelAnswer {
        let answer = await judge(request)
        count(answer)
        return answer
    }

    private func judge(_ request: SentinelRequest) async -> SentinelAnswer {
        guard let secret else { return .notConfigured }
        guard WebhookSignature.isValid(request.signature, body: request.body, secret: secret) else { return .unsigned }
        // Also for a ping: a webhook that is set up so would look right, and none of its runs would be taken.
        let type = request.contentType?.lowercased() ?? ""
        guard !type.hasPrefix("application/x-www-form-urlencoded") else {
            return .malformed("set the webhook's content type to application/json")
        }
        guard let event = request.event, !event.isEmpty else {
            return .malformed("the header X-GitHub-Event is missing")
        }
        guard event == "workflow_run" else { return .ignored("only workflow_run events are used") }
        guard let delivery = request.delivery, !delivery.isEmpty, delivery.utf8.count <= 200 else {
            return .malformed("the header X-GitHub-Delivery is missing")
        }
        let run: WorkflowRunDelivery
        do throws(DeliveryProblem) {
            run = try WorkflowRunDelivery(request.body)
        } catch {
            return .malformed(error.words)
        }
        guard run.action == "completed", let conclusion = run.conclusion else {
            return .ignored("only completed runs are results")
        }
        guard !run.pullRequests.isEmpty else {
            return .ignored("the run belongs to no pull request of this repository")
        }
        guard let workflow = run.workflow else { return .ignored("the run names no workflow") }
        do {
            let isNew = try await store.receiveWorkflowRun(
                delivery: delivery.withoutNUL, repository: run.repository, pullRequests: run.pullRequests,
                run: run.runID, attempt: run.runAttempt, workflow: workflow, headSHA: run.headSHA,
                conclusion: conclusion, url: run.url)
            return isNew ? .accepted : .seenBefore
        } catch {
            reporter.report(
                "receive", "a result of CI was answered 503; GitHub can redeliver it", error: error,
                details: [.repository: run.repository, .workflow: workflow])
            return .unavailable
        }
    }
}

extension SentinelAnswer {
    /// The metric's label.
    fileprivate var label: String {
        switch self {
        case .accepted: "accepted"
        case .ignored: "ignored"
        case .seenBefore: "seen_before"
        case .malformed: "malformed"
        case .unsigned: "unsigned"
        case .tooLarge: "too_large"
        case .busy: "busy"
        case .notConfigured: "not_configured"
        case .unavailable: "unavailable"
        }
    }
}
