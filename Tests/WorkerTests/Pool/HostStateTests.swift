import Testing

@testable import Worker

/// When a worker believes its machine again.
struct HostStateTests {
    private static let start = ContinuousClock.now

    private func failed(_ host: inout HostState, at now: ContinuousClock.Instant) -> Bool {
        host.failed("no room", at: now)
    }

    @Test func `one failure is enough to doubt, and only a probe that works clears it`() {
        var host = HostState()
        #expect(failed(&host, at: Self.start))
        #expect(host.trouble == "no room")
        #expect(!host.wantsProbe(at: Self.start + .milliseconds(999)))
        #expect(host.wantsProbe(at: Self.start + .seconds(1)))
        host.worked()
        #expect(host.trouble == "no room")
        host.probed("still no room", at: Self.start + .seconds(1))
        #expect(host.trouble == "still no room")
        #expect(!host.wantsProbe(at: Self.start + .milliseconds(2999)) && host.wantsProbe(at: Self.start + .seconds(3)))
        host.probed(nil, at: Self.start + .seconds(3))
        #expect(host.trouble == nil && !host.wantsProbe(at: Self.start + .seconds(9000)))
    }

    @Test func `failures in a row are waited for longer and longer, until work begins`() {
        var host = HostState()
        var now = Self.start
        var waits: [Int] = []
        for _ in 0..<8 {
            _ = host.failed("no room", at: now)
            var wait = 0
            while !host.wantsProbe(at: now + .seconds(wait)) { wait += 1 }
            waits.append(wait)
            now += .seconds(wait)
            host.probed(nil, at: now)
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30, 30])
        host.worked()
        _ = host.failed("no room", at: now)
        #expect(host.wantsProbe(at: now + .seconds(1)))
    }

    @Test func `it is told once, and again only after a quiet time`() {
        var host = HostState()
        #expect(failed(&host, at: Self.start))
        #expect(!failed(&host, at: Self.start))
        host.probed(nil, at: Self.start + .seconds(2))
        #expect(!failed(&host, at: Self.start + .seconds(3)))
        host.probed(nil, at: Self.start + .seconds(9))
        #expect(failed(&host, at: Self.start + .seconds(601)))
    }
}
