/// What a parent tells a process, as a line on its standard input. The end of that input says that the parent is gone.
package enum ParentMessage: String, Sendable {
    /// End within the drain time-out.
    case drain
    /// Take no more work, let the jobs run to their end, however long they take, and end.
    case retire
}
