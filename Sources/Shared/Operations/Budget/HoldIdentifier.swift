package import FoundationEssentials

/// Names one hold, or all of a work order or reservation: `id`, `id/token` or `id/token/number`.
package struct HoldIdentifier: Sendable, Equatable, CustomStringConvertible {
    package let owner: UUID
    /// The fencing token, counted up with each attempt; nil for any.
    package let token: Int64?
    /// Which hold of the attempt; nil for any.
    package let number: Int16?

    package init(owner: UUID, token: Int64?, number: Int16?) {
        self.owner = owner
        self.token = token
        self.number = number
    }

    /// Nil where the text names no hold.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let token = parts.count > 1 ? Int64(parts[1]) : nil
        let number = parts.count > 2 ? Int16(parts[2]) : nil
        guard let owner = UUID(uuidString: parts[0]), parts.count <= 3, parts.count < 2 || token != nil,
            parts.count < 3 || number != nil
        else { return nil }
        self.init(owner: owner, token: token, number: number)
    }

    package var description: String {
        ([owner.uuidString.lowercased()] + [token, number.map(Int64.init)].compactMap { $0.map(String.init) })
            .joined(separator: "/")
    }
}
