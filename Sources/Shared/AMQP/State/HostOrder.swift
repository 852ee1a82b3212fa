/// In which order the hosts of a broker are tried: at random, so that clients spread, and last those that failed lately.
struct HostOrder: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long a host that failed stays behind the others. Longer, and a node would get no clients back after a restart.
    static let memory = Duration.seconds(60)

    private let addresses: [BrokerAddress]
    private var failures: [BrokerAddress: Instant] = [:]

    init(_ addresses: [BrokerAddress]) { self.addresses = addresses }

    /// Every host once; of those that failed lately the longest ago first.
    func round(at now: Instant, using generator: inout some RandomNumberGenerator) -> [BrokerAddress] {
        let shuffled = addresses.shuffled(using: &generator)
        let failed = shuffled.filter { isMarked($0, at: now) }
        let sorted = failed.sorted { failures[$0] ?? now < failures[$1] ?? now }
        return shuffled.filter { !isMarked($0, at: now) } + sorted
    }

    /// It refused, stayed silent, is no RabbitMQ, or ended a connection.
    mutating func failed(_ address: BrokerAddress, at now: Instant) { failures[address] = now }
    mutating func succeeded(_ address: BrokerAddress) { failures[address] = nil }

    private func isMarked(_ address: BrokerAddress, at now: Instant) -> Bool {
        failures[address].map { now - $0 < Self.memory } ?? false
    }
}
