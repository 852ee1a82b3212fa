/// The names of an error event's details that Moose writes or reads, in Swift as in SQL. Others may stand beside them: a
/// service tells what it likes.
package enum DetailKey: String, Sendable, CaseIterable {
    // Read again: what an event is grouped by, what may be done about it, and its failure class where it names none.
    case handler
    /// Why, in a word that is the same each time: `stuck`, `never_fits`, `no_worker`, …
    case reason
    /// The id of a row of `dead_letters`.
    case deadLetter = "dead_letter"
    /// `true`: the order lost three workers.
    case poison
    case sqlState = "sqlstate"
    case httpStatus = "http_status"
    case signal
    case exitCode = "exit_code"

    // Of reporting itself.
    /// Whose absence is the cause: `database` or `broker`.
    case away
    /// For how many equal reports it stands.
    case occurrences
    /// Which reports found no room.
    case leftOut = "left_out"
    /// Fields of an event that could not be read.
    case unread
    case body
    case why

    // Of work orders.
    case attempt
    case dependants
    case dependsOn = "depends_on"
    case lane
    case queued
    case stored
    case title
    case worker
    case workOrder = "work_order"

    // Of budgets.
    case name
    case period
    case scope

    // Of messages, schedules and CI.
    case bytes
    case count
    case exchange
    case headSHA = "head_sha"
    case items
    case pullRequest = "pull_request"
    case queue
    case repository
    case routingKey = "key"
    case schedule
    case url
    case workflow

    // Of processes and their folders.
    case ending
    case files
    case folder
    case host
    case jobs
    case lines
    case process
    case processes
    case refused
    /// How long until it is started again.
    case restart = "in"
    case status
}

extension [String: String] {
    package subscript(key: DetailKey) -> String? { self[key.rawValue] }

    /// With one detail more, or another in its place.
    package func adding(_ detail: String, as key: DetailKey) -> [String: String] {
        merging([key.rawValue: detail]) { _, new in new }
    }
}

extension [DetailKey: String] {
    /// As an event carries them.
    package var named: [String: String] {
        [String: String](uniqueKeysWithValues: map { detail in (detail.key.rawValue, detail.value) })
    }
}
