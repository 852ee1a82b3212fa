internal import Reporting
internal import Store

/// Registers deliveries that would wait for a slot: they stand in the database from then on, where people see and change
/// them, and are taken from there in their order. Starts a lane's consumer anew where what is tried apart would leave it
/// short.
struct Registering: Sendable {
    let configuration: WorkerConfiguration
    let board: PoolBoard
    let intake: Intake
    let claims: Claims
    let store: Store
    let reporter: Reporter

    private var terms: RegistrationTerms { RegistrationTerms(patience: configuration.patience) }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in board.registrationRings { await register() }
            }
            group.addTask { await watch() }
        }
    }

    private func register() async {
        while !Task.isCancelled {
            let taken = board.change { $0.takeRegistrable(terms, at: .now, upTo: configuration.batch) }
            guard let lane = taken.first?.lane else { return }
            await claims.claim(taken, park: true)
            board.change { $0.foundLine([$0.lanes[lane].name]) }
            await tellOthers()
        }
    }

    /// Others may have slots free.
    private func tellOthers() async {
        do {
            try await store.tellOfLine()
        } catch {
            // They look by themselves each second.
        }
    }

    private func watch() async {
        let repeating = Repeating(
            "register", every: .milliseconds(100), problem: "nothing was registered", reporter: reporter)
        await repeating.run {
            board.change { $0.lookForRegistrable(terms, at: .now) }
            await intake.followLines()
            await intake.renew { claims.isolated(lane: $0) }
            await intake.resume()
        }
    }
}
