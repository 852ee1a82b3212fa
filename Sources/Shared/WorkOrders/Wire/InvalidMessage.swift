/// A message that can't become a work order, with the reason in words for the person who inspects the dead letter.
package struct InvalidMessage: Error, Equatable, Sendable, CustomStringConvertible {
    package let reason: DeadLetterReason
    /// What is wrong, naming the field. Never the whole body.
    package let explanation: String

    package init(_ reason: DeadLetterReason, _ explanation: String) {
        self.reason = reason
        self.explanation = explanation
    }

    package var description: String { "\(reason.rawValue): \(explanation)" }
}
