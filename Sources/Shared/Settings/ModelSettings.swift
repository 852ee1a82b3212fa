/// What a model's tokens cost. Both prices are in millionths of a dollar for a million tokens, rounded up past six
/// decimal places: $3 for a million is 3,000,000 here.
package struct ModelSettings: Sendable, Equatable {
    /// For what the model reads. Key `input_usd_per_million_tokens`.
    package var inputMicroUSDPerMillionTokens: Int64
    /// For what the model writes. Key `output_usd_per_million_tokens`.
    package var outputMicroUSDPerMillionTokens: Int64

    package init(inputMicroUSDPerMillionTokens: Int64, outputMicroUSDPerMillionTokens: Int64) {
        self.inputMicroUSDPerMillionTokens = inputMicroUSDPerMillionTokens
        self.outputMicroUSDPerMillionTokens = outputMicroUSDPerMillionTokens
    }
}
