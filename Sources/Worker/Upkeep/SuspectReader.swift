internal import AMQP
internal import Publisher
internal import Reporting
internal import Store

/// Reads deliveries that came back again and again one by one, beside the others and in no order: whichever of them ends the
/// process, what waits beside it gets its turn in one of the next.
struct SuspectReader: Sendable {
    let lanes: [String]
    let store: Store
    let board: PoolBoard
    let intake: Intake
    let claims: Claims
    let reporter: Reporter

    func run() async {
        let suspicion = Suspicion(store: store, reporter: reporter)
        let repeating = Repeating(
            "suspect", every: .milliseconds(200), problem: "what came back often was not read", reporter: reporter)
        await repeating.run {
            while !Task.isCancelled, let taken = board.change({ $0.takeSuspect() }) {
                await suspicion.handle(
                    taken.delivery, lane: lanes[taken.lane], acknowledge: { intake.acknowledge([taken]) },
                    read: {
                        let hasSlot = board.change { $0.reserve([taken.lane]) } == .reserved
                        await claims.claim([taken], park: !hasSlot)
                    })
            }
        }
    }
}
