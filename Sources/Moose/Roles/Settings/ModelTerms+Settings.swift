internal import Settings
internal import WorkOrders

extension ModelTerms {
    /// The model of a handler in moose.yaml; nil where it names none.
    init?(_ handler: HandlerSettings, in models: [String: ModelSettings]) {
        guard case .model(let model, let maxTokens) = handler.cost, let prices = models[model] else { return nil }
        self.init(
            model: model,
            price: ModelPrice(
                input: prices.inputMicroUSDPerMillionTokens, output: prices.outputMicroUSDPerMillionTokens),
            maxTokens: maxTokens)
    }
}
