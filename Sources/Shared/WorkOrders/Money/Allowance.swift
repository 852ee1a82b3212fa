/// What an attempt may have a model generate, within the money that is held for it.
package struct Allowance: Sendable, Equatable {
    package let model: String
    /// From 1.
    package let maxTokens: Int

    package init(model: String, maxTokens: Int) {
        self.model = model
        self.maxTokens = maxTokens
    }
}
