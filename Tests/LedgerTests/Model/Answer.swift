/// One row that `moose.ledger_batch` answers.
struct Answer: Equatable, Sendable {
    var answer: String
    var reason: String?
    /// Of reservations: the name was granted before. Of moves always false.
    var isReplay = false
    var state: String?
    var estimate: Int64?
    var totalBefore: Int64?
}
