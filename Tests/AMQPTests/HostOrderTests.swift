import TestSupport
import Testing

@testable import AMQP

@Suite struct HostOrderTests {
    private let hosts = (1...4).map { BrokerAddress(host: "h\($0)", port: 5672) }
    private let now = ContinuousClock.Instant.now

    @Test func `every host comes once a round, and every order comes`() {
        var generator = SplitMix64(seed: 5)
        let order = HostOrder(hosts)
        var firsts: Set<BrokerAddress> = []
        for _ in 0..<100 {
            let round = order.round(at: now, using: &generator)
            #expect(Set(round) == Set(hosts) && round.count == hosts.count)
            firsts.insert(round[0])
        }
        #expect(firsts.count == hosts.count)
    }

    @Test func `hosts that failed come last, the longest ago first, and are forgiven after a minute`() {
        var generator = SplitMix64(seed: 6)
        var order = HostOrder(hosts)
        order.failed(hosts[0], at: now)
        order.failed(hosts[2], at: now + .seconds(1))
        for _ in 0..<20 {
            #expect(order.round(at: now + .seconds(2), using: &generator).suffix(2) == [hosts[0], hosts[2]])
        }
        order.failed(hosts[0], at: now + .seconds(3))
        #expect(order.round(at: now + .seconds(4), using: &generator).suffix(2) == [hosts[2], hosts[0]])
        order.succeeded(hosts[2])
        #expect(order.round(at: now + .seconds(4), using: &generator).last == hosts[0])
        let later = (0..<50).map { _ in order.round(at: now + .seconds(64), using: &generator).last }
        #expect(Set(later).count > 1)
    }
}
