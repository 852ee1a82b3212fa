package import AMQP
package import Spool

extension AMQPPublisher {
    /// Publishes messages from the spool. A lane without a queue doesn't hold them up: the broker keeps such an order
    /// among its dead letters, where a person finds it.
    /// - Returns: the positions of those that AMQP can't carry at all.
    package func replay(_ records: [SpoolRecord], deadline: Duration) async throws(AMQPError) -> Set<Int> {
        var left = Array(records.indices)
        var refused: Set<Int> = []
        while !left.isEmpty {
            do throws(AMQPError) {
                try await publish(left.map { OutgoingMessage(records[$0]) }, deadline: deadline)
                break
            } catch {
                switch error {
                case .messageTooLarge(let index, _, _), .invalidMessage(let index, _):
                    refused.insert(left.remove(at: index))
                default: throw error
                }
            }
        }
        return refused
    }
}
