internal import ArgumentParser
internal import FoundationEssentials
internal import WorkOrders

/// The fields of a work order from flags: of one order, or what the lines of a file leave out.
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
    @Option(
        parsing: .unconditional, help: "From 0 to 9: of what waits in its lane, the highest goes first (default: 0).")
    var priority: Int?
    @Option(help: "Not before this time, such as 2026-01-31T12:00:00Z (default: at once).") var runAt: String?
    @Option(parsing: .unconditional, help: "After so many failed attempts it is failed.") var maxAttempts: Int?
    @Option(parsing: .unconditional, help: "How long an attempt may run.") var timeoutSeconds: Int?
    @Option(help: "Orders of one key run one at a time, or as many as the kind's key_concurrency says.")
    var concurrencyKey: String?
    @Option(help: "Cancelled where an order of this key has not ended yet.") var uniqueKey: String?
    @Option(parsing: .unconditional, help: "So long it keeps its unique key after it has completed.")
    var uniqueSeconds: Int?
    @Option(help: "The id of an order that must be completed first. Repeat for more.") var dependsOn: [String] = []
    @Option(parsing: .unconditional, help: "How hard it is, from 0 to 1.") var complexity: Double?
    @Option(help: "How much harm a wrong result could do: low, medium, high or critical.") var riskLevel: String?
    @Option(help: "What its result must fulfil. Repeat for more.") var acceptanceCriteria: [String] = []
    @Option(help: "A file it may change. Repeat for more.") var filesInScope: [String] = []
    @Option(parsing: .unconditional, help: "Anything else about it, a JSON object.") var metadata: String?
    @Option(help: "The queue that gets its outcome (AMQP's reply_to).") var replyTo: String?
    @Option(help: "What the outcome repeats (AMQP's correlation_id).") var correlationID: String?

    /// The body as JSON, or nil where neither kind nor title was given. The same flags make the same bytes.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` where the payload is not one JSON value.
    func body() throws(CommandFailure) -> [UInt8]? {
        guard kind != nil || title != nil else { return nil }
        var fields = try fields()
        // An order's own, which the lines of a file have each for itself.
        if let id { fields.insert(("id", Self.quoted(id)), at: fields.firstIndex { $0.name > "id" } ?? fields.count) }
        if let last = fields.firstIndex(where: { $0.name == "payload" }) { fields.append(fields.remove(at: last)) }
        return [UInt8(ascii: "{")] + Self.members(fields) + [UInt8(ascii: "}")]
    }

    /// Every field that was given but the id, each with its value as JSON, sorted by name. Payload and metadata are put in
    /// as they are, so that they are published byte for byte.
    func fields() throws(CommandFailure) -> [(name: String, value: [UInt8])] {
        if let payload { try Self.check(payload, "--payload") }
        if let metadata { try Self.check(metadata, "--metadata") }
        let texts = [
            "kind": kind, "title": title, "project": project, "agent": agent, "estimated_cost_usd": estimatedCost,
            "run_at": runAt, "concurrency_key": concurrencyKey, "unique_key": uniqueKey, "risk_level": riskLevel,
        ]
        let numbers = [
            "max_attempts": maxAttempts, "timeout_seconds": timeoutSeconds, "unique_seconds": uniqueSeconds,
            "priority": priority,
        ]
        let lists = [
            "depends_on": dependsOn, "acceptance_criteria": acceptanceCriteria, "files_in_scope": filesInScope,
        ]
        var fields = ["payload": payload, "metadata": metadata].compactMapValues { $0.map { Array($0.utf8) } }
        for (name, text) in texts { if let text { fields[name] = Self.quoted(text) } }
        for (name, number) in numbers { if let number { fields[name] = Array("\(number)".utf8) } }
        if let complexity { fields["complexity"] = Array("\(complexity)".utf8) }
        for (name, list) in lists where !list.isEmpty {
            fields[name] =
                [UInt8(ascii: "[")] + list.map(Self.quoted).joined(separator: [UInt8(ascii: ",")])
                + [UInt8(ascii: "]")]
        }
        return fields.map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
    }

    /// `"name":value`, with commas between.
    static func members(_ fields: [(name: String, value: [UInt8])]) -> [UInt8] {
        Array(fields.map { quoted($0.name) + [UInt8(ascii: ":")] + $0.value }.joined(separator: [UInt8(ascii: ",")]))
    }

    private static func quoted(_ text: String) -> [UInt8] {
        // A text always encodes.
        (try? JSONEncoder().encode(text)).map { Array($0) } ?? Array("\"\"".utf8)
    }

    /// A text that is more or less than one value could end the payload and add fields of its own.
    private static func check(_ payload: String, _ option: String) throws(CommandFailure) {
        let bytes = Array(payload.utf8)
        // In brackets, as deep as it will stand in the body; without, because they would make a list of two values.
        let fault = JSONSyntax.fault(in: bytes) ?? JSONSyntax.fault(in: Array("[".utf8) + bytes + Array("]".utf8))
        switch fault {
        case nil: return
        case .repeatedName(let name):
            throw CommandFailure(
                "\(option) names \(PrintableText.oneLine(name)) twice", why: "a handler would see one of the two",
                status: .usage)
        case .malformed:
            throw CommandFailure(
                "\(option) is not exactly one JSON value of at most \(JSONSyntax.depthLimit - 1) levels",
                next: #"Quote it for the shell: '{"path": "parser.py"}', '"a text"', '17' or 'null'"#, status: .usage)
        }
    }
}
