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
    var runAt: String?
    var dependsOn: [String]?
    var concurrencyKey: String?
    var uniqueKey: String?
    var uniqueSeconds: Int?
    var complexity: Double?
    var riskLevel: String?

    private enum Keys: String, CodingKey {
        case id, kind, title, lane, project, agent, complexity
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
        let fields = try decoder.container(keyedBy: Keys.self)
        id = try fields.decodeIfPresent(String.self, forKey: .id)
        kind = try fields.decode(String.self, forKey: .kind)
        title = try fields.decode(String.self, forKey: .title)
        lane = try fields.decodeIfPresent(String.self, forKey: .lane)
        project = try fields.decodeIfPresent(String.self, forKey: .project)
        agent = try fields.decodeIfPresent(String.self, forKey: .agent)
        estimate = try fields.decodeIfPresent(WireMoney.self, forKey: .estimate)?.amount
        maxAttempts = try Self.whole(.maxAttempts, fields)
        timeoutSeconds = try Self.whole(.timeoutSeconds, fields)
        runAt = try fields.decodeIfPresent(String.self, forKey: .runAt)
        dependsOn = try fields.decodeIfPresent([String].self, forKey: .dependsOn)
        concurrencyKey = try fields.decodeIfPresent(String.self, forKey: .concurrencyKey)
        uniqueKey = try fields.decodeIfPresent(String.self, forKey: .uniqueKey)
        uniqueSeconds = try Self.whole(.uniqueSeconds, fields)
        complexity = try fields.decodeIfPresent(Double.self, forKey: .complexity)
        riskLevel = try fields.decodeIfPresent(String.self, forKey: .riskLevel)
        // Shapes only: what they say belongs to the handler.
        _ = try fields.decodeIfPresent([String].self, forKey: .acceptanceCriteria)
        _ = try fields.decodeIfPresent([String].self, forKey: .filesInScope)
        _ = try fields.decodeIfPresent(AnyObjectShape.self, forKey: .metadata)
    }

    /// The decoder doesn't name the field whose number is broken or too large, so this does.
    private static func whole(_ key: Keys, _ fields: KeyedDecodingContainer<Keys>) throws -> Int? {
        do {
            return try fields.decodeIfPresent(Int.self, forKey: key)
        } catch DecodingError.dataCorrupted {
            throw InvalidMessage(.invalidField, "\(key.stringValue) must be a whole number")
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
            } catch DecodingError.dataCorrupted {
                // Larger than any decimal.
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
