/// What the keeper of a group of processes has to do next.
package enum FleetAction: Sendable, Equatable {
    /// Start the process of this number.
    case start(Int)
    /// Let it run its jobs to their end, however long they take, and end.
    case retire(Int)
    /// Let it drain within its drain time-out, and end.
    case drain(Int)
    /// Its time is over.
    case kill(Int)
    case log(FleetNote)
    /// A process doesn't stay up: tell people.
    case reportCrashLoop(Int, ProcessEnding)
    /// All are gone; exit with this status.
    case finish(Int32)
}

/// A line for the log.
package struct FleetNote: Sendable, Equatable {
    package enum Level: Sendable, Equatable { case info, warning, error }
    package let level: Level
    package let text: String
    /// The process it speaks of; nil: the group.
    package var process: Int?

    init(_ level: Level, _ text: String, process: Int? = nil) {
        self.level = level
        self.text = text
        self.process = process
    }
}
