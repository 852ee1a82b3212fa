/// What the operating system refused when an I/O thread was set up.
package enum IOError: Error, CustomStringConvertible {
    /// `pthread_create` failed: too many threads, or no memory for a stack.
    case threadNotStarted(errno: Int32)
    /// `eventfd` failed: usually the limit of open files (`ulimit -n`).
    case noWakeSignal(errno: Int32)

    package var description: String {
        switch self {
        case .threadNotStarted(let errno):
            "the system started no further thread (errno \(errno)): check `ulimit -u`, and the memory (`ulimit -v`)"
        case .noWakeSignal(let errno): "the system opened no eventfd (errno \(errno)): check `ulimit -n`"
        }
    }
}
