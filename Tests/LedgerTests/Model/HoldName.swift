import FoundationEssentials

/// What a request calls a hold, so that asking again finds it.
struct HoldName: Hashable, Sendable {
    let owner: UUID
    let token: Int64
    let number: Int16
}

extension HoldName: CustomStringConvertible {
    var description: String { "\(owner.uuidString.prefix(8))/\(token)/\(number)" }
}
