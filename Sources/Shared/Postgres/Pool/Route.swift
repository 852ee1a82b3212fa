/// The way to the server, as all sessions of a client know it. Owned by the I/O thread.
final class Route {
    let hosts: [ServerHost]
    /// Where new sessions are tried first: the host that worked last.
    private(set) var preferred = 0
    /// A pooler stands between, and it was found to give each session a server process of its own.
    var acceptsPooler = false

    init(_ configuration: PostgresConfiguration) { hosts = ServerHost.all(of: configuration.url) }

    /// All hosts, each once, in the order in which they are tried.
    var order: [Int] { (0..<hosts.count).map { (preferred + $0) % hosts.count } }

    func prefer(_ host: Int) { preferred = host }
}
