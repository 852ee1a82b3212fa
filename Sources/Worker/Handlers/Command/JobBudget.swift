internal import FoundationEssentials
internal import WorkOrders

/// What a handler is told of the money and the tokens it may use, in its document and its variables or headers.
struct JobBudget: Encodable {
    /// Dollars, such as `0.05`.
    let holdUSD: String
    let maxTokens: Int?
    let model: String?

    /// Nil for work that costs nothing and calls no model: there is nothing to tell.
    init?(_ job: Job) {
        guard job.estimate > .zero || job.allowance != nil else { return nil }
        holdUSD = job.estimate.description
        maxTokens = job.allowance?.maxTokens
        model = job.allowance?.model
    }

    /// A JSON object, its keys in alphabetical order.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and a whole number can always be written.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private enum CodingKeys: String, CodingKey {
        case model
        case holdUSD = "hold_usd"
        case maxTokens = "max_tokens"
    }
}
