internal import ArgumentParser
internal import FoundationEssentials
internal import WorkOrders

/// One work order from flags.
struct OrderFlags: ParsableArguments {
    @Option(help: "Which handler runs it.") var kind: String?
    @Option(help: "What it is about.") var title: String?
    // Values that are checked may begin with a dash: the check says what is allowed. A title may be any text, and would
    // swallow the option behind one that was forgotten.
    @Option(parsing: .unconditional, help: "The payload, one JSON value; published as it is.") var payload: String?
    @Option(help: "Its id, a UUID; made where left out. The same flags with the same id are the same order.")
    var id: String?
    @Option(help: "The project whose budget it counts against.") var project: String?
    @Option(help: "The agent that asks for it.") var agent: String?
    @Option(parsing: .unconditional, help: "What it may cost, in USD.") var estimatedCost: String?
    @Option(help: "Orders of one key run one at a time, or as many as the kind's key_concurrency says.")
    var concurrencyKey: String?
    @Option(help: "Cancelled where an order of this key has not ended yet.") var uniqueKey: String?
    @Option(parsing: .unconditional, help: "So long it keeps its unique key after it has completed.")
    var uniqueSeconds: Int?
    @Option(help: "The id of an order that must be completed first. Repeat for more.") var dependsOn: [String] = []

    /// The body as JSON, or nil where neither kind nor title was given. The same flags make the same bytes.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` where the payload is not one JSON value.
    func body() throws(CommandFailure) -> [UInt8]? {
        guard kind != nil || title != nil else { return nil }
        if let payload { try Self.check(payload) }
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
            let encoder = JSONEncoder()
            // Other bytes would be another order: a second publish of one id is dropped only while they are the same.
            encoder.outputFormatting = [.sortedKeys]
            var bytes = Array(try encoder.encode(fields))
            if let payload {
                // Put in as it is, so that it is published byte for byte.
                bytes.removeLast()
                bytes += Array(",\"payload\":".utf8) + Array(payload.utf8)
                bytes.append(UInt8(ascii: "}"))
            }
            return bytes
        } catch {
            throw CommandFailure("the order can't be written as JSON", why: "\(error)", status: .usage)
        }
    }

    /// A text that is more or less than one value could end the payload and add fields of its own.
    private static func check(_ payload: String) throws(CommandFailure) {
        let bytes = Array(payload.utf8)
        // In brackets, as deep as it will stand in the body; without, because they would make a list of two values.
        let fault = JSONSyntax.fault(in: bytes) ?? JSONSyntax.fault(in: Array("[".utf8) + bytes + Array("]".utf8))
        switch fault {
        case nil: return
        case .repeatedName(let name):
            throw CommandFailure(
                "--payload names \(PrintableText.oneLine(name)) twice", why: "a handler would see one of the two",
                status: .usage)
        case .malformed:
            throw CommandFailure(
                "--payload is not exactly one JSON value of at most \(JSONSyntax.depthLimit - 1) levels",
                next: #"Quote it for the shell: '{"path": "parser.py"}', '"a text"', '17' or 'null'"#, status: .usage)
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
