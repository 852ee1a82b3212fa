import Testing

@testable import Worker

struct DatabaseWatchTests {
    private static let start = ContinuousClock.now

    private static func look(_ watch: inout DatabaseWatch, away: Bool, at second: Int) -> DatabaseWatch.Step {
        watch.look(isAway: away, at: start + .seconds(second))
    }

    @Test func `a moment without the database stops nothing`() {
        var watch = DatabaseWatch(patience: .seconds(2), giveBackAfter: .seconds(600))
        for second in [0, 1] { #expect(Self.look(&watch, away: true, at: second) == .nothing) }
        #expect(Self.look(&watch, away: false, at: 2) == .nothing)
        // Another moment, not the same.
        for second in [3, 4] { #expect(Self.look(&watch, away: true, at: second) == .nothing) }
    }

    @Test func `an outage stops the intake, then gives back, then resumes, each once`() {
        var watch = DatabaseWatch(patience: .seconds(2), giveBackAfter: .seconds(600))
        for _ in 1...2 {
            #expect(Self.look(&watch, away: true, at: 0) == .nothing)
            #expect(Self.look(&watch, away: true, at: 2) == .stopIntake)
            for second in [3, 599] { #expect(Self.look(&watch, away: true, at: second) == .nothing) }
            #expect(Self.look(&watch, away: true, at: 600) == .giveBack)
            #expect(Self.look(&watch, away: true, at: 6000) == .nothing)
            #expect(Self.look(&watch, away: false, at: 6001) == .resume)
            #expect(Self.look(&watch, away: false, at: 6002) == .nothing)
        }
    }

    @Test func `an outage that ends before the deliveries go back only resumes`() {
        var watch = DatabaseWatch(patience: .seconds(2), giveBackAfter: .seconds(600))
        _ = Self.look(&watch, away: true, at: 0)
        #expect(Self.look(&watch, away: true, at: 3) == .stopIntake)
        #expect(Self.look(&watch, away: false, at: 4) == .resume)
    }

    @Test func `after an outage the living renew between two looks at the leases, whatever the heartbeat`() {
        var configuration = WorkerConfiguration(lanes: [])
        #expect(configuration.leasePass == .seconds(15))
        configuration.heartbeat = .seconds(40)
        #expect(configuration.leasePass == .seconds(60))
        configuration.heartbeat = .seconds(3)
        #expect(configuration.leasePass == .seconds(15))
    }
}
