package import FoundationEssentials

/// What a redrive did.
package struct RedriveCounts: Sendable, Equatable {
    /// Messages that were published and confirmed.
    package var messages = 0
    /// Failed orders that wait for a worker again.
    package var orders = 0
    /// Of the messages, those that were dead again before they could be marked.
    package var cameBack = 0
    /// Letters that stay dead, with the reason.
    package var left: [(letter: UUID, why: String)] = []

    package init() {}

    package static func == (a: RedriveCounts, b: RedriveCounts) -> Bool {
        a.messages == b.messages && a.orders == b.orders && a.cameBack == b.cameBack
            && a.left.elementsEqual(b.left) { $0 == $1 }
    }
}
