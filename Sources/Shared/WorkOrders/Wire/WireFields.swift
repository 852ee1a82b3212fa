internal import FoundationEssentials

/// The JSON fields of a work order's body, before they are judged.
struct WireFields: Decodable {
    var id: String?
    var kind: String
    var title: String
    var lane: String?
    var project: String?
    var agent: String?
    var estimate: MicroUSD?
    var maxAttempts: Int?
    var timeoutSeconds: Int?
    var priority: Int?
    var runAt: String?
    var dependsOn: [String]?
    var concurrencyKey: String?
    var uniqueKey: String?
    var uniqueSeconds: Int?
    var complexity: Double?
    var riskLevel: String?

    enum Keys: String, CodingKey, CaseIterable {
        case id, kind, title, lane, project, agent, priority, complexity
        case estimate = "estimated_cost_usd"
        case maxAttempts = "max_attempts"
        case timeoutSeconds = "timeout_seconds"
        case runAt = "run_at"
        case dependsOn = "depends_on"
        case concurrencyKey = "concurrency_key"
        case uniqueKey = "unique_key"
        case uniqueSeconds = "unique_seconds"
        case riskLevel = "risk_level"
        case acceptanceCriteria = "acceptance_criteria"
        case filesInScope = "files_in_scope"
        case metadata
    }

    init(from decoder: any Decoder) throws {
        let fields = Reading(fields: try decoder.container(keyedBy: Keys.self))
        id = try fields.text(.id)
        kind = try fields.needed(.kind)
        title = try fields.needed(.title)
        lane = try fields.text(.lane)
        project = try fields.text(.project)
        agent = try fields.text(.agent)
        estimate = try fields.fields.decodeIfPresent(WireMoney.self, forKey: .estimate)?.amount
        maxAttempts = try fields.whole(.maxAttempts)
        timeoutSeconds = try fields.whole(.timeoutSeconds)
        priority = try fields.whole(.priority)
        runAt = try fields.text(.runAt)
        dependsOn = try fields.texts(.dependsOn)
        concurrencyKey = try fields.text(.concurrencyKey)
        uniqueKey = try fields.text(.uniqueKey)
        uniqueSeconds = try fields.whole(.uniqueSeconds)
        complexity = try fields.read(Double.self, .complexity, "must be a number")
        riskLevel = try fields.text(.riskLevel)
        // Shapes only: what they say belongs to the handler.
        _ = try fields.texts(.acceptanceCriteria)
        _ = try fields.texts(.filesInScope)
        _ = try fields.read(AnyObjectShape.self, .metadata, Reading.halfPair)
    }

    /// The decoder doesn't name the field whose number or text it can't read, so this does.
    private struct Reading {
        static let halfPair = "has half a surrogate pair, such as \\ud800 alone, which is no text"
        let fields: KeyedDecodingContainer<Keys>

        func read<Value: Decodable>(_ type: Value.Type, _ key: Keys, _ problem: String) throws -> Value? {
            try naming(key, problem) { try fields.decodeIfPresent(type, forKey: key) }
        }

        func text(_ key: Keys) throws -> String? { try read(String.self, key, Self.halfPair) }
        func texts(_ key: Keys) throws -> [String]? { try read([String].self, key, Self.halfPair) }
        func whole(_ key: Keys) throws -> Int? { try read(Int.self, key, "must be a whole number") }

        func needed(_ key: Keys) throws -> String {
            try naming(key, Self.halfPair) { try fields.decode(String.self, forKey: key) }
        }

        private func naming<Value>(_ key: Keys, _ problem: String, _ body: () throws -> Value) throws -> Value {
            do {
                return try body()
            } catch let error where error.isUnreadableValue {
                throw InvalidMessage(.invalidField, "\(key.stringValue) \(problem)")
            }
        }
    }
}

/// Money on the wire: a decimal text, or a JSON number read exactly.
struct WireMoney: Decodable {
    let amount: MicroUSD

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        let parsed: MicroUSD?
        if let text = try? value.decode(String.self) {
            parsed = MicroUSD(decimal: text)
        } else {
            do {
                parsed = MicroUSD(try value.decode(Decimal.self))
            } catch let error where error.isUnreadableValue {
                // Larger than any decimal: no amount, as said below.
                parsed = nil
            }
        }
        guard let parsed else {
            throw InvalidMessage(
                .invalidField,
                "\(decoder.codingPath.last?.stringValue ?? "cost") is no amount: plain dollars from 0 to "
                    + "1000000000, such as 0.05")
        }
        amount = parsed
    }
}

extension Error {
    /// Whether the decoder found a number or a text that its type can't hold. Within a value it says so with an error of
    /// its own, which is nobody else's to name; a value of the wrong type, or none, is another matter.
    fileprivate var isUnreadableValue: Bool {
        switch self as any Error {
        case DecodingError.dataCorrupted: true
        case is DecodingError, is InvalidMessage: false
        default: true
        }
    }
}

/// Decodes from a JSON object and nothing else.
private struct AnyObjectShape: Decodable {
    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws { _ = try decoder.container(keyedBy: AnyKey.self) }
}
