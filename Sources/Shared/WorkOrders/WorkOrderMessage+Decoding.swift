package import FoundationEssentials

extension WorkOrderMessage {
    /// What one AMQP delivery says about a work order.
    package enum Form: Sendable, Equatable {
        case order(WorkOrderMessage)
        /// Only an id: the row in Postgres is the truth, this message says "look again".
        case registered(UUID)
    }

    /// Decodes the body of a delivery.
    ///
    /// - Parameters:
    ///   - body: JSON as UTF-8, kept verbatim by the caller.
    ///   - messageID: the AMQP property; wins over nothing, must equal `id` in the body where both are given.
    ///   - lane: the routing key, used where the body names no lane.
    ///   - isRegistered: the message's type says that it carries only an id.
    /// - Throws: ``InvalidMessage`` with the reason for the dead letter.
    package static func decode(
        _ body: [UInt8], messageID: String?, lane: String, isRegistered: Bool = false, limit: Int = 1_048_576
    ) throws(InvalidMessage) -> Form {
        guard body.count <= limit else {
            throw InvalidMessage(.oversize, "the body has \(body.count) bytes; the limit is \(limit)")
        }
        if isRegistered {
            guard let messageID, let id = UUID(strict: messageID) else {
                throw InvalidMessage(.noID, "it names a registered order, but not by a UUID in message_id")
            }
            return .registered(id)
        }
        guard !body.isEmpty else { throw InvalidMessage(.malformed, "the body is empty") }
        guard (try? UTF8Span(validating: body.span)) != nil else {
            throw InvalidMessage(.malformed, "the body is not valid UTF-8")
        }
        switch JSONSyntax.fault(in: body) {
        case nil: break
        case .malformed:
            throw InvalidMessage(
                .malformed, "the body is not valid JSON, or deeper than \(JSONSyntax.depthLimit) levels")
        case .repeatedName(let name):
            throw InvalidMessage(.invalidField, "\(name) stands twice in its object: which one counts?")
        }
        let fields: WireFields
        do {
            fields = try WireFields(plain: body) ?? JSONDecoder().decode(WireFields.self, from: Data(body))
        } catch let error as InvalidMessage {
            throw error
        } catch let error as DecodingError {
            throw InvalidMessage(decoding: error)
        } catch {
            throw InvalidMessage(.malformed, "the body is not JSON that can be read: \(error)")
        }
        return .order(try WorkOrderMessage(fields, messageID: messageID, lane: lane))
    }

    /// The fields of a body that mean something to Moose.
    package static let fieldNames = WireFields.Keys.allCases.map(\.rawValue) + ["payload"]

    private init(_ fields: WireFields, messageID: String?, lane: String) throws(InvalidMessage) {
        id = try Self.identity(property: messageID, field: fields.id)
        kind = try FieldRule.kind.check(fields.kind, "kind")
        title = try FieldRule.text(500).check(fields.title, "title")
        self.lane = try FieldRule.lane.check(fields.lane ?? lane, "lane")
        project = try fields.project.map { value throws(InvalidMessage) in
            try FieldRule.text(200).check(value, "project")
        }
        agent = try fields.agent.map { value throws(InvalidMessage) in try FieldRule.text(200).check(value, "agent") }
        estimate = fields.estimate
        maxAttempts = try FieldRule.range(1...100).check(fields.maxAttempts, "max_attempts")
        timeoutSeconds = try FieldRule.range(1...604_800).check(fields.timeoutSeconds, "timeout_seconds")
        priority = try FieldRule.range(0...9).check(fields.priority, "priority")
        runAt = try fields.runAt.map { text throws(InvalidMessage) in
            guard let date = Date(rfc3339: text) else {
                throw InvalidMessage(.invalidField, "run_at is not an RFC 3339 time such as 2026-01-31T12:00:00Z")
            }
            return date
        }
        dependsOn = try Self.dependencies(fields.dependsOn ?? [], of: id)
        concurrencyKey = try fields.concurrencyKey.map { value throws(InvalidMessage) in
            try FieldRule.key.check(value, "concurrency_key")
        }
        uniqueKey = try fields.uniqueKey.map { value throws(InvalidMessage) in
            try FieldRule.key.check(value, "unique_key")
        }
        uniqueSeconds = try FieldRule.range(1...31_536_000).check(fields.uniqueSeconds, "unique_seconds")
        if let value = fields.complexity, !(0...1).contains(value) {
            throw InvalidMessage(.invalidField, "complexity must be between 0 and 1")
        }
        complexity = fields.complexity
        riskLevel = try fields.riskLevel.map { text throws(InvalidMessage) in
            guard let level = RiskLevel(rawValue: text) else {
                throw InvalidMessage(.invalidField, "risk_level must be low, medium, high or critical")
            }
            return level
        }
    }

    private static func identity(property: String?, field: String?) throws(InvalidMessage) -> UUID {
        let fromProperty = property.flatMap(UUID.init(strict:))
        let fromField = field.flatMap(UUID.init(strict:))
        if field != nil, fromField == nil { throw InvalidMessage(.noID, "id is not a UUID") }
        if let fromProperty, let fromField, fromProperty != fromField {
            throw InvalidMessage(.noID, "message_id and the body's id differ")
        }
        guard let id = fromProperty ?? fromField else {
            throw InvalidMessage(.noID, "neither message_id nor the body's id is a UUID")
        }
        return id
    }

    private static func dependencies(_ texts: [String], of id: UUID) throws(InvalidMessage) -> [UUID] {
        guard texts.count <= 1000 else { throw InvalidMessage(.invalidField, "depends_on names more than 1000") }
        var ids: [UUID] = []
        for text in texts {
            guard let dependency = UUID(strict: text) else {
                throw InvalidMessage(.invalidField, "depends_on holds something that is not a UUID")
            }
            guard dependency != id else { throw InvalidMessage(.invalidField, "depends_on names the order itself") }
            if !ids.contains(dependency) { ids.append(dependency) }
        }
        return ids
    }
}

extension InvalidMessage {
    /// Puts a decoding error into words for the person who published the message.
    init(decoding error: DecodingError) {
        func path(_ context: DecodingError.Context) -> String {
            let keys = context.codingPath.map(\.stringValue)
            return keys.isEmpty ? "the body" : keys.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, _):
            self.init(.invalidField, "\(key.stringValue) is missing")
        case .typeMismatch(let type, let context):
            self.init(
                context.codingPath.isEmpty ? .malformed : .invalidField,
                "\(path(context)) must be \(Self.name(of: type))")
        case .valueNotFound(_, let context):
            self.init(context.codingPath.isEmpty ? .malformed : .invalidField, "\(path(context)) is null")
        case .dataCorrupted(let context):
            // The syntax was checked before: it is a value that its type can't hold.
            self.init(
                .invalidField,
                context.codingPath.isEmpty
                    ? "the name of a field can't be read: it has half a surrogate pair, such as \\ud800 alone"
                    : "\(path(context)) holds a value that can't be read")
        @unknown default:
            self.init(.malformed, "the body can't be read")
        }
    }

    /// What JSON calls a type of Swift's.
    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is [String: Any].Type: "a JSON object"
        case is [Any].Type: "a JSON array"
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is Int.Type: "a whole number"
        default: "a number"
        }
    }
}
