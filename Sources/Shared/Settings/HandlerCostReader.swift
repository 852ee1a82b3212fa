/// Reads what an entry of `handlers` says of its cost, in exactly one of three ways.
struct HandlerCostReader {
    /// An estimate above a million dollars is a slip of the keyboard.
    static let largestEstimateMicroUSD: Int64 = 1_000_000 * 1_000_000
    /// With the dearest price for a token this is an estimate of a million dollars.
    static let tokenCounts = 1...10_000_000

    /// The models that have a price.
    let models: [String]

    /// The cost; nil with mistakes noted.
    func read(_ section: Section) -> HandlerSettings.Cost? {
        let isFree = section["free"]?.boolean()
        let estimate = section["default_estimate_usd"]?.microUSD(atMost: Self.largestEstimateMicroUSD)
        let model = section["model"].flatMap(modelName)
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
        if isFree == true { return .free }
        if let estimate { return .estimate(microUSD: estimate) }
        if let model, let tokens { return .model(model, maxTokens: tokens) }
        return nil
    }

    private func modelName(_ field: Field) -> String? {
        guard let name = field.text(expected: "the name of a model") else { return nil }
        if models.contains(name) { return name }
        let guess = Spelling.suggestion(for: name, among: models).map { "; did you mean \($0)?" } ?? ""
        field.fail("names a model that has no price: add it to models\(guess)")
        return nil
    }
}
