/// What `moose.reserve_batch` answers for one item.
struct DirectAnswer: Equatable, Sendable {
    let status: String
    let reason: String?
    let isSwitched: Bool
    let totalBefore: Int64?
}
