internal import Operations

extension StoryEvent {
    /// The rest of its line.
    var detail: String { details.map(\.shown).joined(separator: ", ") }
}

extension StoryEvent.Detail {
    fileprivate var shown: String {
        switch self {
        case .text(let text): text
        case .money(let microUSD): MoneyText.dollars(microUSD)
        case .milliseconds(let count): "\(NumberText.grouped(count)) ms"
        case .instant(let meaning, let date): "\(meaning) \(Moment.exact(date))"
        }
    }
}
