internal import Reporting

/// Parks what waits too long for a slot, and stops consuming until slots are free; starts a lane's consumer anew where what
/// is tried apart would leave it short.
struct OverdueParker: Sendable {
    let configuration: WorkerConfiguration
    let board: PoolBoard
    let intake: Intake
    let claims: Claims
    let reporter: Reporter

    func run() async {
        let repeating = Repeating(
            "park", every: .milliseconds(500), problem: "nothing was parked", reporter: reporter)
        await repeating.run {
            let deadline = ContinuousClock.now - configuration.patience
            while true {
                let overdue = board.change { $0.takeOverdue(before: deadline, upTo: configuration.batch) }
                guard let lane = overdue.first?.lane else { break }
                await intake.pause(lane: lane)
                await claims.claim(overdue, park: true)
            }
            await intake.renew { claims.isolated(lane: $0) }
            await intake.resume()
        }
    }
}
