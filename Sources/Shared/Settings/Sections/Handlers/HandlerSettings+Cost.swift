extension HandlerSettings {
    /// What is held from the budget before an attempt starts, where the work order brings no estimate of its own. An
    /// entry of `handlers` says it in exactly one of three ways.
    package enum Cost: Sendable, Equatable {
        /// Nothing, so that no budget is touched. Key `free`.
        case free
        /// A fixed amount in millionths of a dollar, rounded up past six decimal places. Key `default_estimate_usd`.
        case estimate(microUSD: Int64)
        /// What the prompt and so many generated tokens cost at the price of a model of `models`. Keys `model` and
        /// `max_tokens`.
        case model(String, maxTokens: Int)
    }
}

extension HandlerSettings.Cost {
    /// The keys of an entry of `handlers` that belong here.
    static let keys = ["default_estimate_usd", "free", "model", "max_tokens"]
    /// An estimate above a million dollars is a slip of the keyboard.
    private static let largestEstimateMicroUSD: Int64 = 1_000_000 * 1_000_000
    /// With the dearest price for a token this is an estimate of a million dollars.
    private static let tokenCounts = 1...10_000_000

    /// What an entry of `handlers` says; nil with mistakes noted.
    /// - Parameter models: those that have a price.
    init?(_ section: Section, models: [String]) {
        let isFree = section["free"]?.boolean()
        let amount = section["default_estimate_usd"]?.microUSD(atMost: Self.largestEstimateMicroUSD)
        let name = section["model"].flatMap { Self.modelName($0, among: models) }
        let tokens = section["max_tokens"]?.integer(in: Self.tokenCounts, unit: "tokens")
        let said = [
            section["default_estimate_usd"] == nil ? nil : "default_estimate_usd",
            section["model"] == nil ? nil : "model", isFree == true ? "free: true" : nil,
        ].compactMap { $0 }
        if said.count > 1 {
            section.fail("has both \(said.joined(separator: " and ")): keep one")
        } else if said.isEmpty, section["free"] == nil || isFree == false {
            section.fail(
                "says nothing of its cost: add default_estimate_usd: \"0.05\" or the like, model and max_tokens, "
                    + "or free: true"
            )
        }
        if section["model"] != nil, section["max_tokens"] == nil {
            section.fail("has a model and no max_tokens: add the most tokens that one attempt may generate")
        } else if section["max_tokens"] != nil, section["model"] == nil {
            section.fail("has max_tokens and no model: name one of models, whose price makes the estimate")
        }
        if isFree == true {
            self = .free
        } else if let amount {
            self = .estimate(microUSD: amount)
        } else if let name, let tokens {
            self = .model(name, maxTokens: tokens)
        } else {
            return nil
        }
    }

    private static func modelName(_ field: Field, among models: [String]) -> String? {
        guard let name = field.text(expected: "the name of a model") else { return nil }
        if models.contains(name) { return name }
        let guess = Spelling.suggestion(for: name, among: models).map { "; did you mean \($0)?" } ?? ""
        field.fail("names a model that has no price: add it to models\(guess)")
        return nil
    }

    /// What is shown of it among the other keys of the handler.
    var entries: [(key: String, value: ShownValue)] {
        switch self {
        case .free: return [("free", .boolean(true))]
        case .estimate(let amount): return [("default_estimate_usd", .microUSD(amount))]
        case .model(let name, let maxTokens): return [("model", .text(name)), ("max_tokens", .integer(maxTokens))]
        }
    }
}
