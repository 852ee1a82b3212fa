package import AMQP
package import Spool

extension AMQPPublisher {
    /// Publishes messages from the spool. A lane without a queue doesn't hold them up: the broker keeps such an order
    /// among its dead letters, where a person finds it. Their size was judged when they were called safe, by the limit of
    /// then: only the broker may refuse one now, and it holds up no other.
    /// - Returns: the positions of those that AMQP can't carry at all, or that the broker refuses for what they are.
    package func replay(_ records: [SpoolRecord], deadline: Duration) async throws(AMQPError) -> Set<Int> {
        var refused: Set<Int> = []
        var open = [Array(records.indices)]
        while var left = open.popLast() {
            if left.isEmpty { continue }
            do throws(AMQPError) {
                try await publish(left.map { OutgoingMessage(records[$0]) }, deadline: deadline, isLimited: false)
            } catch {
                switch error {
                case .invalidMessage(let index, _):
                    refused.insert(left.remove(at: index))
                    open.append(left)
                case .preconditionFailed, .channelClosed(code: 311, _), .channelClosed(code: 406, _):
                    // It closed the channel over one of them, and doesn't say which.
                    guard left.count > 1 else {
                        refused.insert(left[0])
                        continue
                    }
                    open.append(Array(left[(left.count / 2)...]))
                    open.append(Array(left[..<(left.count / 2)]))
                default: throw error
                }
            }
        }
        return refused
    }
}
