import NIOCore

/// Where the HTTP server of a role listens.
package struct ServerAddress: Sendable, Equatable, CustomStringConvertible {
    /// An IPv4 or IPv6 address, without brackets. Default `127.0.0.1`.
    package let host: String
    /// From 0 to 65535; 0 takes any free one.
    package let port: Int

    package init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }

    /// Whether only processes of this machine reach it. False for what is no address.
    package var isLoopback: Bool {
        // As the system writes it: one address can be written in many ways.
        guard let canonical = try? SocketAddress(ipAddress: host, port: port).ipAddress else { return false }
        return canonical == "::1" || canonical.hasPrefix("127.") || canonical.hasPrefix("::ffff:127.")
    }

    /// Such as `127.0.0.1:9100` or `[::1]:9100`.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Such as `http://127.0.0.1:9100`.
    package var url: String { "http://\(self)" }
}
