extension WireFields {
    /// By their length.
    private static let names: [[(key: Keys, bytes: [UInt8])]] = {
        let all = Keys.allCases.map { (key: $0, bytes: Array($0.stringValue.utf8)) }
        let longest = all.map(\.bytes.count).max() ?? 0
        return (0...longest).map { length in all.filter { $0.bytes.count == length } }
    }()

    /// Reads a body whose fields are plain, as nearly all are: texts without escapes, numbers without exponents, and of each
    /// the type it should have. Nil: the decoder must look, be it only to say what is wrong. It takes some ten times as long,
    /// and what both read they read alike (a test compares them).
    ///
    /// - Parameter body: one that ``JSONSyntax`` accepts.
    init?(plain body: [UInt8]) {
        guard var object = PlainObject(body), object.isObject else { return nil }
        var fields = PlainValues(body: body)
        while let member = object.nextMember() {
            guard !member.nameHasEscape else { return nil }
            guard let key = Self.key(of: body[member.name]) else { continue }
            guard fields.take(member.value, key) else { return nil }
        }
        guard let kind = fields.kind, let title = fields.title else { return nil }
        self.kind = kind
        self.title = title
        id = fields.id
        lane = fields.lane
        project = fields.project
        agent = fields.agent
        estimate = fields.estimate
        maxAttempts = fields.maxAttempts
        timeoutSeconds = fields.timeoutSeconds
        priority = fields.priority
        runAt = fields.runAt
        dependsOn = fields.dependsOn
        concurrencyKey = fields.concurrencyKey
        uniqueKey = fields.uniqueKey
        uniqueSeconds = fields.uniqueSeconds
        complexity = nil
        riskLevel = fields.riskLevel
    }

    private static func key(of name: ArraySlice<UInt8>) -> Keys? {
        guard names.indices.contains(name.count) else { return nil }
        for (key, bytes) in names[name.count] where name.elementsEqual(bytes) { return key }
        return nil
    }
}

/// The plain values of fields, as they are found.
private struct PlainValues {
    let body: [UInt8]
    var id, kind, title, lane, project, agent, runAt, concurrencyKey, uniqueKey, riskLevel: String?
    var maxAttempts, timeoutSeconds, priority, uniqueSeconds: Int?
    var estimate: MicroUSD?
    var dependsOn: [String]?

    init(body: [UInt8]) { self.body = body }

    /// - Returns: whether it is plain.
    mutating func take(_ value: PlainObject.Value, _ key: WireFields.Keys) -> Bool {
        if case .null = value { return key != .kind && key != .title }
        switch key {
        case .id: return Self.keep(text(value), in: &id)
        case .kind: return Self.keep(text(value), in: &kind)
        case .title: return Self.keep(text(value), in: &title)
        case .lane: return Self.keep(text(value), in: &lane)
        case .project: return Self.keep(text(value), in: &project)
        case .agent: return Self.keep(text(value), in: &agent)
        case .runAt: return Self.keep(text(value), in: &runAt)
        case .concurrencyKey: return Self.keep(text(value), in: &concurrencyKey)
        case .uniqueKey: return Self.keep(text(value), in: &uniqueKey)
        case .riskLevel: return Self.keep(text(value), in: &riskLevel)
        case .maxAttempts: return Self.keep(number(value), in: &maxAttempts)
        case .timeoutSeconds: return Self.keep(number(value), in: &timeoutSeconds)
        case .priority: return Self.keep(number(value), in: &priority)
        case .uniqueSeconds: return Self.keep(number(value), in: &uniqueSeconds)
        case .estimate: return Self.keep(amount(value), in: &estimate)
        case .dependsOn: return Self.keep(list(value), in: &dependsOn)
        case .acceptanceCriteria, .filesInScope: return list(value) != nil
        case .metadata:
            guard case .nested(let range, hasEscape: false) = value else { return false }
            return body[range.lowerBound] == UInt8(ascii: "{")
        case .complexity: return false
        }
    }

    private static func keep<Value>(_ value: Value?, in field: inout Value?) -> Bool {
        guard let value else { return false }
        field = value
        return true
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: body[range], as: UTF8.self) }

    private func text(_ value: PlainObject.Value) -> String? {
        guard case .text(let range, hasEscape: false) = value else { return nil }
        return text(range)
    }

    private func number(_ value: PlainObject.Value) -> Int? {
        guard case .number(let range) = value, range.count <= 18 else { return nil }
        return Int(text(range))
    }

    private func amount(_ value: PlainObject.Value) -> MicroUSD? {
        switch value {
        case .text(let range, hasEscape: false): MicroUSD(decimal: text(range))
        // Longer ones may round elsewhere.
        case .number(let range) where range.count <= 18: MicroUSD(decimal: text(range))
        default: nil
        }
    }

    private func list(_ value: PlainObject.Value) -> [String]? {
        guard case .nested(let range, hasEscape: false) = value, var elements = PlainObject(body, in: range),
            !elements.isObject
        else { return nil }
        var list: [String] = []
        while let element = elements.nextElement() {
            guard let text = text(element) else { return nil }
            list.append(text)
        }
        return list
    }
}
