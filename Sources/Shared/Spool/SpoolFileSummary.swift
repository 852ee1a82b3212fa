package import FoundationEssentials

/// A file of the spool, as `moose spool list` shows it.
package struct SpoolFileSummary: Sendable, Equatable {
    package enum State: String, Sendable {
        /// A living process appends to it, or replays it.
        case inUse = "in_use"
        /// Nobody has it: the next replay takes it over.
        case waiting
        /// Lines that nobody could read; for a person.
        case unreadable
    }

    package var path: String
    package var state: State
    package var bytes: Int
    /// Nil for lines that nobody can read.
    package var kind: SpoolKind?
    package var messages: Int
    package var oldest: Date?
}
