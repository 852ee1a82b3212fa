internal import ArgumentParser
internal import FoundationEssentials

/// One work order from flags.
struct OrderFlags: ParsableArguments {
    @Option(help: "Which handler runs it.") var kind: String?
    @Option(help: "What it is about.") var title: String?
    @Option(help: "The payload, any JSON.") var payload: String?
    @Option(help: "Its id, a UUID; made where left out.") var id: String?
    @Option(help: "The project whose budget it counts against.") var project: String?
    @Option(help: "The agent that asks for it.") var agent: String?
    @Option(help: "What it may cost, in USD.") var estimatedCost: String?
    @Option(help: "Orders of one key run one at a time, or as many as the kind's key_concurrency says.")
    var concurrencyKey: String?
    @Option(help: "Cancelled where an order of this key has not ended yet.") var uniqueKey: String?
    @Option(help: "So long it keeps its unique key after it has completed.") var uniqueSeconds: Int?
    @Option(help: "The id of an order that must be completed first. Repeat for more.") var dependsOn: [String] = []

    /// The body as JSON, or nil where neither kind nor title was given.
    func body() throws(CommandFailure) -> [UInt8]? {
        guard kind != nil || title != nil else { return nil }
        var fields = OrderBody()
        fields.id = id
        fields.kind = kind
        fields.title = title
        fields.project = project
        fields.agent = agent
        fields.estimatedCost = estimatedCost
        fields.concurrencyKey = concurrencyKey
        fields.uniqueKey = uniqueKey
        fields.uniqueSeconds = uniqueSeconds
        if !dependsOn.isEmpty { fields.dependsOn = dependsOn }
        do {
            var bytes = Array(try JSONEncoder().encode(fields))
            if let payload {
                // Spliced in as it is, so that it is published byte for byte.
                bytes.removeLast()
                bytes += Array((bytes.count > 1 ? ",\"payload\":" : "\"payload\":").utf8) + Array(payload.utf8)
                bytes.append(UInt8(ascii: "}"))
            }
            return bytes
        } catch {
            throw CommandFailure("the order can't be written as JSON", why: "\(error)", status: .usage)
        }
    }
}

/// The fields a work order made from flags can have.
private struct OrderBody: Encodable {
    var id: String?
    var kind: String?
    var title: String?
    var project: String?
    var agent: String?
    var estimatedCost: String?
    var dependsOn: [String]?
    var concurrencyKey: String?
    var uniqueKey: String?
    var uniqueSeconds: Int?

    enum CodingKeys: String, CodingKey {
        case id, kind, title, project, agent
        case estimatedCost = "estimated_cost_usd"
        case dependsOn = "depends_on"
        case concurrencyKey = "concurrency_key"
        case uniqueKey = "unique_key"
        case uniqueSeconds = "unique_seconds"
    }
}
