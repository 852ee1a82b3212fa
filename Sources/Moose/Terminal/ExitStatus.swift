/// What the command's exit code tells a script.
enum ExitStatus: Int32, Sendable {
    /// Done.
    case ok = 0
    /// Tried and failed.
    case failed = 1
    /// The command line or the configuration is wrong; nothing was tried.
    case usage = 2
    /// The broker, the database or another service can't be reached; worth trying again.
    case unreachable = 3
    /// A rule said no: over budget, not confirmed, not allowed in this state.
    case refused = 4
    /// A worker held more memory than it may, let its jobs end, and wants to be started again.
    case recycled = 5
}
