/// How a process ended.
package enum ProcessEnding: Sendable, Equatable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)
    case notStarted(String)

    /// Whether it ended in good order.
    var isClean: Bool { self == .exited(0) }

    /// Whether another start can't help: wrong use, or refused.
    var isPermanent: Bool { self == .exited(2) || self == .exited(4) }

    /// What the parent exits with when it gives up for this reason.
    var status: Int32 {
        switch self {
        case .exited(let status) where status != 0: status
        default: 1
        }
    }

    package var description: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .killed(let signal): "was killed by signal \(signal)"
        case .notStarted(let reason): "could not be started: \(reason)"
        }
    }
}
