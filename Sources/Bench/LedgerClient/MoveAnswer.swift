/// What a move did to its hold.
package enum MoveAnswer: Sendable, Hashable {
    /// The hold changed, and stands like this now.
    case done(HoldState)
    /// It stood like this before: the move was made earlier, or came too late to matter.
    case replay(HoldState)
    /// The work must not start: the hold is closed.
    case refused(HoldState)
    /// There is no hold of that name.
    case unknown
}
