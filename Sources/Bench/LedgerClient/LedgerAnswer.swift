/// What one line of a batch was told.
package enum LedgerAnswer: Sendable, Hashable {
    case reservation(HoldAnswer)
    case move(MoveAnswer)
}
