/// What a coalescer has done and has before it.
package struct LedgerCounts: Sendable, Hashable {
    /// Statements sent, repeated and split ones included.
    package var statements = 0
    /// Items that were given an answer by the database.
    package var answered = 0
    /// Statements that were sent again after a failure that passes.
    package var retries = 0
    /// Statements that were split to find the item at fault.
    package var splits = 0
    /// Holds of callers that had left, given back.
    package var givenBack = 0
    /// Items that wait for the next statement.
    package var queued = 0
    /// Callers that wait for room in the queue.
    package var waiting = 0
    /// Items of the statement under way.
    package var inFlight = 0
}
