package import FoundationEssentials
package import Postgres
internal import WorkOrders

extension Store {
    private static let finishSQL = """
        SELECT item, accepted FROM moose.finish_batch(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::json, $17::json)
        """

    /// Ends a batch of attempts in one commit: state, settlement, outcome, retry or error event.
    ///
    /// - Returns: for each item whether it was accepted. A late or foreign finish is refused; what it cost is recorded.
    package func finish(_ items: [FinishItem], worker: UUID) async throws(PostgresError) -> [Bool] {
        guard !items.isEmpty else { return [] }
        let query = Query(
            Self.finishSQL,
            parameters: [
                Parameter(worker), Parameter(items.map(\.id)), Parameter(items.map(\.token)),
                Parameter(items.map(\.ending.name)), Parameter(items.map(\.report.didStart)),
                Parameter(items.map { $0.report.cost?.microdollars }),
                Parameter(items.map(\.ending.delay?.milliseconds)),
                Parameter(items.map(\.ending.failure?.failureClass.rawValue)),
                Parameter(items.map(\.reason)), Parameter(items.map(\.report.result)),
                Parameter(items.map(\.report.output)), Parameter(items.map(\.handler)),
                Parameter(items.map(\.duration.milliseconds)),
                Parameter(items.map { $0.report.tokensIn.map(Int64.init) }),
                Parameter(items.map { $0.report.tokensOut.map(Int64.init) }), Parameter(Review.json(items)),
                Parameter(FinishItem.facts(of: items)),
            ])
        var accepted = [Bool](repeating: false, count: items.count)
        for row in try await postgres.run(query).rows {
            accepted[Int(try row.decode(0, as: Int32.self)) - 1] = try row.decode(1, as: Bool.self)
        }
        return accepted
    }
}

/// One element of `p_reviews`.
private struct Review: Encodable {
    let id: UUID
    let token: Int64
    let repository: String?
    let number: Int
    let headSHA: String?

    enum CodingKeys: String, CodingKey {
        case id, token, repository, number
        case headSHA = "head_sha"
    }

    /// Nil when no item has a pull request, which is nearly always.
    static func json(_ items: [FinishItem]) -> String? {
        let reviews = items.compactMap { item -> Review? in
            guard case .review(let pull) = item.ending else { return nil }
            return Review(
                id: item.id, token: item.token, repository: pull.repository, number: pull.number, headSHA: pull.headSHA)
        }
        guard !reviews.isEmpty else { return nil }
        // Texts and numbers always encode.
        return (try? JSONEncoder().encode(reviews)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension FinishItem {
    /// What is known of those that gave up beside words, by id; nil where nothing is, which is nearly always.
    fileprivate static func facts(of items: [FinishItem]) -> String? {
        var facts: [String: [String: String]] = [:]
        for item in items {
            if case .failed(let failure) = item.ending, !failure.facts.isEmpty {
                facts[item.id.text] = failure.facts.named
            }
        }
        guard !facts.isEmpty else { return nil }
        // Texts always encode.
        return (try? JSONEncoder().encode(facts)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Why it failed; of a completed attempt what in its answer can't be read, for its story.
    fileprivate var reason: String? {
        if let failure = ending.failure { return failure.message }
        guard ending == .completed, let unread = report.unread else { return nil }
        return unread.said.isEmpty ? unread.words : "\(unread.words): \(unread.said)"
    }
}

extension FinishItem.Ending {
    /// The value of the `outcome` column and of the metrics' label.
    package var name: String {
        switch self {
        case .completed: "completed"
        case .review: "review"
        case .failed: "failed"
        case .retry: "retry"
        case .snoozed, .notBegun: "snoozed"
        // For the database the same, but for the wait and the reason.
        case .interrupted, .returned: "interrupted"
        case .cancelled: "cancelled"
        }
    }

    fileprivate var delay: Duration? {
        switch self {
        case .retry(_, let wait), .snoozed(let wait), .returned(_, let wait), .notBegun(_, let wait): wait
        case .completed, .review, .failed, .interrupted, .cancelled: nil
        }
    }

    fileprivate var failure: AttemptFailure? {
        switch self {
        case .failed(let failure), .retry(let failure, _), .returned(let failure, _), .notBegun(let failure, _): failure
        case .completed, .review, .snoozed, .interrupted, .cancelled: nil
        }
    }
}
