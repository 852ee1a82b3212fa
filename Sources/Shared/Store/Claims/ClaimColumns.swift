internal import FoundationEssentials
internal import Postgres
internal import WorkOrders

/// The orders of a claim, one array a field, as `claim_batch` takes them.
struct ClaimColumns {
    private var ids: [UUID] = []
    private var kinds: [String?] = []
    private var lanes: [String?] = []
    private var titles: [String?] = []
    private var projects: [String?] = []
    private var agents: [String?] = []
    private var estimates: [Int64?] = []
    private var maxAttempts: [Int32?] = []
    private var timeouts: [Int32?] = []
    private var runAt: [Date?] = []
    private var bodies: [[UInt8]?] = []
    private var appIDs: [String?] = []
    private var replyTo: [String?] = []
    private var correlationIDs: [String?] = []
    private var traceparents: [String?] = []
    private var flow: [JSONText?] = []

    init(capacity: Int) { ids.reserveCapacity(capacity) }

    mutating func append(_ item: ClaimItem, terms: ClaimTerms) {
        let message: WorkOrderMessage? =
            switch item.form {
            case .order(let message): message
            case .registered: nil
            }
        ids.append(item.id)
        kinds.append(message?.kind)
        lanes.append(message?.lane)
        titles.append(message?.title)
        projects.append(message?.project)
        agents.append(message?.agent)
        let price = message.map { terms.price(of: $0, bytes: item.body.count) }
        if case .known(let estimate) = price { estimates.append(estimate.microdollars) } else { estimates.append(nil) }
        maxAttempts.append(message?.maxAttempts.map(Int32.init(clamping:)))
        timeouts.append(message?.timeoutSeconds.map(Int32.init(clamping:)))
        runAt.append(message?.runAt)
        bodies.append(message == nil ? nil : item.body)
        appIDs.append(item.appID)
        replyTo.append(item.replyTo)
        correlationIDs.append(item.correlationID)
        traceparents.append(item.traceparent)
        flow.append(message.flatMap(Flow.init).map(JSONText.init(encoding:)))
    }

    /// In the order of the parameters of `claim_batch`, from `p_ids` on.
    var parameters: [Parameter] {
        [
            Parameter(ids), Parameter(kinds), Parameter(lanes), Parameter(titles), Parameter(projects),
            Parameter(agents), Parameter(estimates), Parameter(maxAttempts), Parameter(timeouts), Parameter(runAt),
            Parameter(bodies), Parameter(appIDs), Parameter(replyTo), Parameter(correlationIDs),
            Parameter(traceparents),
            // An empty array tells the claim that nobody uses any of it.
            Parameter(flow.contains { $0 != nil } ? flow : []),
        ]
    }
}

/// What an order may have to wait for: an element of `p_flow`.
private struct Flow: Encodable {
    let concurrencyKey: String?
    let uniqueKey: String?
    let uniqueSeconds: Int32?
    let dependsOn: [UUID]?
    let priority: Int?

    enum CodingKeys: String, CodingKey {
        case concurrencyKey = "concurrency_key"
        case uniqueKey = "unique_key"
        case uniqueSeconds = "unique_seconds"
        case dependsOn = "depends_on"
        case priority
    }

    /// Nil for an order with none of it, as most are.
    init?(_ message: WorkOrderMessage) {
        guard
            message.concurrencyKey != nil || message.uniqueKey != nil || !message.dependsOn.isEmpty
                || (message.priority ?? 0) != 0
        else { return nil }
        concurrencyKey = message.concurrencyKey
        uniqueKey = message.uniqueKey
        uniqueSeconds = message.uniqueSeconds.map(Int32.init(clamping:))
        dependsOn = message.dependsOn.isEmpty ? nil : message.dependsOn
        priority = message.priority
    }
}

extension JSONText {
    /// Texts, numbers and ids always encode; should they not, the server refuses the empty text, which is no JSON.
    init(encoding value: some Encodable) {
        self.init((try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "")
    }
}
