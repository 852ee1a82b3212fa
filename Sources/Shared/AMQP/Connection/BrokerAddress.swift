internal import Glibc

/// One host of the broker's URL.
package struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    /// Host name or address, without brackets.
    package let host: String
    package let port: Int

    /// `host:port`, an IPv6 address in brackets.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether the host is written as an address: certificates hold those apart from names.
    var isNumeric: Bool {
        var bytes = in6_addr()
        return unsafe inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1
    }
}
