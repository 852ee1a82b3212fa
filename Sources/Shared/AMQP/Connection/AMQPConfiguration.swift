/// Where the broker is, who logs in, and how patient the client is.
package struct AMQPConfiguration: Sendable, CustomStringConvertible {
    /// The hosts of one cluster, in the order of the URL; never empty. Default port 5672, with TLS 5671.
    package var addresses: [BrokerAddress]
    /// Default `guest`.
    package let user: String
    let password: String
    /// Default `/`.
    package let virtualHost: String
    /// For `amqps`; nil sends everything in plain.
    package let tls: TLSOptions?
    /// Shown in the broker's list of connections. Default `moose`.
    package var connectionName = "moose"
    /// How long a silent peer counts as alive; the broker may shorten it. Default 15 s, `heartbeat` (s) in the URL.
    package var heartbeat: Duration = .seconds(15)
    /// For the TCP connections of all hosts together, and again for the logins. Default 10 s, `connection_timeout` (ms) in
    /// the URL.
    package var connectTimeout: Duration = .seconds(10)
    /// For one answer of the broker; afterwards the connection counts as lost. Default 10 s.
    package var rpcTimeout: Duration = .seconds(10)
    /// How long unsent bytes may stay stuck on an unblocked connection before it counts as lost. Default 30 s.
    package var sendTimeout: Duration = .seconds(30)
    /// Larger bodies are refused before they are sent. Default 16 MiB, the broker's own default from 4.0.
    package var maxMessageBytes = 16 << 20
    /// Of larger bodies that come only the beginning is kept. Default 16 MiB.
    package var maxReceivedBytes = 16 << 20
    /// A consumer reads no more while unsettled deliveries hold more than this; one message of the limit is always taken.
    /// Default 64 MiB.
    package var maxBytesInHand = 64 << 20

    /// Reads `amqp://` and `amqps://` URLs: `amqps://user:password@host1:5671,host2/vhost?heartbeat=15&cacertfile=/path`.
    ///
    /// User, password, virtual host and values are percent-decoded; so the default virtual host is `%2F`, or none.
    /// - Throws: ``AMQPError/invalidURL(_:)`` with what is wrong, never with the password.
    package init(url: String) throws(AMQPError) {
        let parts = try BrokerURL(url)
        addresses = parts.addresses
        user = parts.user
        password = parts.password
        virtualHost = parts.virtualHost
        tls = parts.usesTLS ? try TLSOptions(parts.options) : nil
        if let text = parts.options["heartbeat"] {
            guard let seconds = Int(text), (1...3600).contains(seconds) else {
                throw .invalidURL("heartbeat must be 1 to 3600 seconds")
            }
            heartbeat = .seconds(seconds)
        }
        if let text = parts.options["connection_timeout"] {
            guard let milliseconds = Int(text), (1...600_000).contains(milliseconds) else {
                throw .invalidURL("connection_timeout must be 1 to 600000 milliseconds")
            }
            connectTimeout = .milliseconds(milliseconds)
        }
    }

    /// The URL without the password and the options.
    package var description: String {
        let hosts = addresses.map(\.description).joined(separator: ",")
        let shownVirtualHost = virtualHost == "/" ? "%2F" : virtualHost
        return "\(tls == nil ? "amqp" : "amqps")://\(shownUser):***@\(hosts)/\(shownVirtualHost)"
    }

    /// With a colon it may be user and password, encoded together: not to be shown.
    var shownUser: String {
        let isEncodedTwice = user.lowercased().contains("%3a") || user.contains("%25")
        return user.contains(":") || isEncodedTwice ? "***" : user
    }
}

extension TLSOptions {
    /// - Parameter options: of a URL, decoded.
    fileprivate init(_ options: [String: String]) throws(AMQPError) {
        self.init()
        authorities = options["cacertfile"]
        certificate = options["certfile"]
        key = options["keyfile"]
        keyPassword = options["password"]
        serverName = options["server_name_indication"]
        if (certificate == nil) != (key == nil) {
            throw .invalidURL("certfile and keyfile belong together: name both")
        }
        if keyPassword != nil, key == nil { throw .invalidURL("password is that of the keyfile, which is missing") }
        switch options["verify"] {
        case nil, "verify_peer": break
        case "verify_none": verifies = false
        default: throw .invalidURL("verify must be verify_peer or verify_none")
        }
    }
}
