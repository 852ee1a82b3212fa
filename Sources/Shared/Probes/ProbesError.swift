/// Why the HTTP server can't be had.
package enum ProbesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process listens on the port.
    case portTaken(ServerAddress)
    /// The port is below 1024 and the process may not use it.
    case portForbidden(ServerAddress)
    /// The machine has no such address.
    case addressMissing(ServerAddress)
    /// The address is reached from other machines, and this route may not be.
    case notForOthers(route: String, ServerAddress)
    /// Anything else the system refused.
    case notListening(ServerAddress, reason: String)

    /// What, why and what to do next.
    package var description: String {
        switch self {
        case .portTaken(let address):
            "can't serve HTTP on \(address): another process has the port. "
                + "Choose another with --listen, or port 0 for any free one"
        case .portForbidden(let address):
            "can't serve HTTP on \(address): ports below 1024 are for root. "
                + "Choose a higher one with --listen, or port 0 for any free one"
        case .addressMissing(let address):
            "can't serve HTTP on \(address): this machine has no such address. "
                + "Choose one of its own with --listen, or 0.0.0.0 for all of them"
        case .notForOthers(let route, let address):
            "can't serve \(route) on \(address): other machines reach that address, and could change what is there. "
                + "Choose 127.0.0.1 with --listen, and let a proxy with TLS bring to it what may come"
        case .notListening(let address, let reason):
            "can't serve HTTP on \(address): \(reason)"
        }
    }
}
