import FoundationEssentials

/// A row of the journal.
struct JournalEntry: Sendable {
    let request: Int64
    /// JSON: the answers of a batch, or the holds that the sweeper closed.
    let text: String

    func answers(to batch: Batch) throws -> [Answer] {
        try JSONDecoder().decode([Row].self, from: Data(text.utf8)).enumerated().map { index, row in
            Answer(
                answer: row.answer, reason: row.reason, isReplay: index < batch.moves.count ? false : row.replay,
                state: row.state, estimate: row.estimate, totalBefore: row.totalBefore)
        }
    }

    func closed() throws -> [HoldName] {
        try JSONDecoder().decode([Name].self, from: Data(text.utf8)).map { name in
            HoldName(owner: name.owner, token: name.token, number: name.number)
        }
    }

    private struct Name: Decodable {
        let owner: UUID
        let token: Int64
        let number: Int16
    }

    private struct Row: Decodable {
        let answer: String
        let reason: String?
        let replay: Bool
        let state: String?
        let estimate: Int64?
        let totalBefore: Int64?

        enum CodingKeys: String, CodingKey {
            case answer, reason, replay, state
            case estimate = "estimate_u"
            case totalBefore = "total_before"
        }
    }
}
