internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import WorkOrders

/// The work order a schedule writes at each tick.
struct ScheduledOrderFlags: ParsableArguments {
    @Option(help: "Which handler runs it.") var kind: String
    @Option(help: "What it is about (default: the name of the schedule).") var title: String?
    @Option(parsing: .unconditional, help: "The payload, one JSON value.") var payload: String?
    @Option(help: "The lane.") var lane = "default"
    @Option(help: "The project whose budget it counts against.") var project: String?
    @Option(help: "The agent that asks for it.") var agent: String?
    @Option(parsing: .unconditional, help: "What an attempt may cost, in USD.") var estimatedCost: String?
    @Option(parsing: .unconditional, help: "After so many failed attempts it is failed.") var maxAttempts: Int?
    @Option(parsing: .unconditional, help: "How long an attempt may run.") var timeoutSeconds: Int?
    @Option(help: "Any further fields of the body, a JSON object.") var fields: String?

    /// The body without what is different each time, as JSON.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` where a worker would refuse it.
    func template(name: String) throws(CommandFailure) -> String {
        var body = Body(
            kind: kind, title: title ?? name, lane: lane, project: project, agent: agent,
            estimatedCost: estimatedCost, maxAttempts: maxAttempts, timeoutSeconds: timeoutSeconds)
        if let payload { body.payload = try Self.json(payload, "--payload") }
        if let fields {
            guard case .object(let object) = try Self.json(fields, "--fields") else {
                throw CommandFailure("--fields is no JSON object", status: .usage)
            }
            body.others = object
        }
        do {
            let bytes = Array(try JSONEncoder().encode(JSONValue.object(body.members)))
            _ = try WorkOrderMessage.decode(bytes, messageID: UUID().uuidString, lane: lane)
            for field in ["id", "run_at", "schedule", "scheduled_for"] where body.others[field] != nil {
                throw CommandFailure("--fields can't set \(field): it is different at each tick", status: .usage)
            }
            for (field, option) in Self.options where body.others[field] != nil {
                throw CommandFailure("--fields can't set \(field): give \(option)", status: .usage)
            }
            return String(decoding: bytes, as: UTF8.self)
        } catch let error as InvalidMessage {
            throw CommandFailure("no worker would take such an order", why: error.explanation, status: .usage)
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure("the order can't be written as JSON", why: "\(error)", status: .usage)
        }
    }

    /// The fields that have options of their own.
    private static let options = [
        ("kind", "--kind"), ("title", "--title"), ("payload", "--payload"), ("lane", "--lane"),
        ("project", "--project"), ("agent", "--agent"), ("estimated_cost_usd", "--estimated-cost"),
        ("max_attempts", "--max-attempts"), ("timeout_seconds", "--timeout-seconds"),
    ]

    private static func json(_ text: String, _ option: String) throws(CommandFailure) -> JSONValue {
        let bytes = Array(text.utf8)
        if case .repeatedName(let name) = JSONSyntax.fault(in: bytes) {
            throw CommandFailure(
                "\(option) names \(PrintableText.oneLine(name)) twice", why: "a handler would see one of the two",
                status: .usage)
        }
        guard JSONSyntax.accepts(bytes), let value = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes)) else {
            // The decoder's own words may quote the input.
            throw CommandFailure("\(option) is no valid JSON", next: "Quote texts: '\"like this\"'", status: .usage)
        }
        return value
    }

    private struct Body {
        var kind: String
        var title: String
        var lane: String
        var project: String?
        var agent: String?
        var estimatedCost: String?
        var maxAttempts: Int?
        var timeoutSeconds: Int?
        var payload: JSONValue?
        var others: [String: JSONValue] = [:]

        var members: [String: JSONValue] {
            var members = others
            members["kind"] = .string(kind)
            members["title"] = .string(title)
            members["lane"] = .string(lane)
            if let project { members["project"] = .string(project) }
            if let agent { members["agent"] = .string(agent) }
            if let estimatedCost { members["estimated_cost_usd"] = .string(estimatedCost) }
            if let maxAttempts { members["max_attempts"] = .count(maxAttempts) }
            if let timeoutSeconds { members["timeout_seconds"] = .count(timeoutSeconds) }
            if let payload { members["payload"] = payload }
            return members
        }
    }
}
