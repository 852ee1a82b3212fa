extension WireFields {
    private static let names = Keys.allCases.map { (key: $0, bytes: Array($0.stringValue.utf8)) }

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
        guard let kind = fields.texts[.kind], let title = fields.texts[.title] else { return nil }
        self.kind = kind
        self.title = title
        id = fields.texts[.id]
        lane = fields.texts[.lane]
        project = fields.texts[.project]
        agent = fields.texts[.agent]
        estimate = fields.estimate
        maxAttempts = fields.numbers[.maxAttempts]
        timeoutSeconds = fields.numbers[.timeoutSeconds]
        runAt = fields.texts[.runAt]
        dependsOn = fields.dependsOn
        concurrencyKey = fields.texts[.concurrencyKey]
        uniqueKey = fields.texts[.uniqueKey]
        uniqueSeconds = fields.numbers[.uniqueSeconds]
        complexity = nil
        riskLevel = fields.texts[.riskLevel]
    }

    private static func key(of name: ArraySlice<UInt8>) -> Keys? {
        for (key, bytes) in names where bytes.count == name.count && name.elementsEqual(bytes) { return key }
        return nil
    }
}

/// The plain values of fields, as they are found.
private struct PlainValues {
    let body: [UInt8]
    var texts: [WireFields.Keys: String] = [:]
    var numbers: [WireFields.Keys: Int] = [:]
    var estimate: MicroUSD?
    var dependsOn: [String]?

    /// - Returns: whether it is plain.
    mutating func take(_ value: PlainObject.Value, _ key: WireFields.Keys) -> Bool {
        if case .null = value { return key != .kind && key != .title }
        switch key {
        case .id, .kind, .title, .lane, .project, .agent, .runAt, .concurrencyKey, .uniqueKey, .riskLevel:
            guard let text = text(value) else { return false }
            texts[key] = text
        case .maxAttempts, .timeoutSeconds, .uniqueSeconds:
            guard case .number(let range) = value, range.count <= 18, let number = Int(text(range)) else {
                return false
            }
            numbers[key] = number
        case .estimate:
            guard let amount = amount(value) else { return false }
            estimate = amount
        case .dependsOn:
            guard let list = list(value) else { return false }
            dependsOn = list
        case .acceptanceCriteria, .filesInScope: return list(value) != nil
        case .metadata:
            guard case .nested(let range, hasEscape: false) = value else { return false }
            return body[range.lowerBound] == UInt8(ascii: "{")
        case .complexity: return false
        }
        return true
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: body[range], as: UTF8.self) }

    private func text(_ value: PlainObject.Value) -> String? {
        guard case .text(let range, hasEscape: false) = value else { return nil }
        return text(range)
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
