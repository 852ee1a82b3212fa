internal import AMQP
internal import Publisher
internal import Reporting
internal import Synchronization

extension WorkerPool {
    /// Reads deliveries that came back again and again one by one, beside the others and in no order: whichever of them
    /// ends the process, what waits beside it gets its turn in one of the next.
    func readSuspects() async {
        let suspicion = Suspicion(store: control, reporter: reporter)
        await every(.milliseconds(200)) {
            while !Task.isCancelled, let (lane, delivery) = self.state.withLock({ $0.takeSuspect() }) {
                await suspicion.handle(
                    delivery, lane: self.configuration.lanes[lane].name,
                    acknowledge: { self.acknowledge([(lane, delivery)]) },
                    read: { await self.claim([(lane, delivery)], park: !self.takeSlot(lane)) })
            }
        }
    }

    private func takeSlot(_ lane: Int) -> Bool {
        state.withLock { state in
            guard state.lanes[lane].free > 0 else { return false }
            state.lanes[lane].running += 1
            return true
        }
    }
}
