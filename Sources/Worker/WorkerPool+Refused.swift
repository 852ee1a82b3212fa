internal import AMQP
internal import FoundationEssentials
internal import Messaging
internal import Postgres
internal import Publisher
internal import Store
internal import Synchronization
internal import WorkOrders

extension WorkerPool {
    /// Adds to the letters of claims that the database refused for their ids what a claim doesn't carry: the message's
    /// properties, as they came.
    /// - Returns: false when the worker stops first: then the messages go back.
    func completeLetters(of deliveries: [Delivery]) async -> Bool {
        guard !deliveries.isEmpty else { return true }
        let letters = deliveries.map { DeadLetter(InvalidMessage(.idReused, ""), $0) }
        var attempt = 0
        while !Task.isCancelled {
            do throws(PostgresError) {
                try await store.completeLetters(letters)
                databaseAnswered()
                return true
            } catch {
                await databaseFailed(error, attempt: attempt, during: "bury")
                attempt += 1
                if state.withLock({ $0.isStopping }) { return false }
            }
        }
        return false
    }
}
