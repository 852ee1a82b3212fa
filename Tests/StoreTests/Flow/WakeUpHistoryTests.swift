import FoundationEssentials
import Postgres
import TestSupport
import Testing

/// No wake-up is lost: whatever happened to them, when all that is due was taken, nothing waits that could run. Nobody
/// sweeps: every wake-up comes from the event that makes it possible.
@Suite(.timeLimit(.minutes(12))) struct `Histories of waiting orders` {
    enum Net: CaseIterable {
        case answersArrive
        /// The answer to a take is lost now and then, and it is asked again.
        case answersAreLost
    }

    @Test(arguments: Net.allCases)
    func `one after the other end with nothing waiting that could run`(net: Net) async throws {
        try await play(count: 300, clients: 1, steps: 14, net)
    }

    @Test(arguments: Net.allCases)
    func `of several workers at once end with nothing waiting that could run`(net: Net) async throws {
        try await play(count: 200, clients: 3, steps: 7, net)
    }

    /// `MOOSE_TEST_HISTORIES` plays so many times as many.
    private func play(count: Int, clients: Int, steps: Int, _ net: Net) async throws {
        var seeds = SplitMix64.seeded()
        let factor = ProcessInfo.processInfo.environment["MOOSE_TEST_HISTORIES"].flatMap { Int($0) } ?? 1
        var total = WakeUpHistory.Tally()
        try await StoreDesk.open(connections: clients, waitsForCommits: false) { desk in
            try await WakeUpHistory.prepare(desk)
            for number in 1...count * factor {
                let seed = seeds.next()
                let history = WakeUpHistory(desk, seed: seed, losesAnswers: net == .answersAreLost)
                try await history.begin()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 1...clients {
                        group.addTask { try await history.play(client: client, steps: steps) }
                    }
                    try await group.waitForAll()
                }
                try await history.runDown()
                let stuck = try await history.stuck()
                total.add(history.tally)
                guard stuck.isEmpty else {
                    Issue.record("history \(number) (seed \(seed)) ended with \(stuck.joined(separator: "; "))")
                    return
                }
                try await history.end()
            }
        }
        print("\(count * factor) histories, \(clients) clients, \(net): \(total)")
        #expect(total.completed > 0 && total.released > 0 && total.refused > 0, "\(total)")
        if net == .answersAreLost { #expect(total.lostAnswers > 0, "\(total)") }
    }
}
