/// Why the probes can't be served.
package enum ProbesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process listens on the port.
    case portTaken(Int)
    /// The port is below 1024 and the process may not use it.
    case portForbidden(Int)
    /// Anything else the system refused.
    case notListening(port: Int, reason: String)

    /// What, why and what to do next.
    package var description: String {
        switch self {
        case .portTaken(let port):
            "can't serve HTTP on 127.0.0.1:\(port): another process has the port. "
                + "Choose another with --http-port, or 0 for any free one"
        case .portForbidden(let port):
            "can't serve HTTP on 127.0.0.1:\(port): ports below 1024 are for root. "
                + "Choose a higher one with --http-port, or 0 for any free one"
        case .notListening(let port, let reason):
            "can't serve HTTP on 127.0.0.1:\(port): \(reason)"
        }
    }
}
