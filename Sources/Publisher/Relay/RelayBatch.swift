internal import AMQP
internal import FoundationEssentials
internal import Messaging
internal import Store

/// Publishes the messages of one destination and finds out what became of each.
struct RelayBatch: Sendable {
    let publisher: AMQPPublisher
    let patience: Duration

    /// - Returns: why something was left; nil when every message is dealt with for good.
    func publish(_ batch: [OutboxMessage], into settlement: inout RelaySettlement) async -> AMQPError? {
        guard !batch.isEmpty else { return nil }
        do throws(AMQPError) {
            try await publisher.publish(batch.map(Self.message), deadline: patience)
            settlement.confirmed += batch
            return nil
        } catch {
            return await judge(batch, error, into: &settlement)
        }
    }

    /// For a destination where nothing got through again and again, though the broker may be well: one message may end
    /// the connection for all. They go one by one; what fails where another passes is at fault itself.
    func publishOneByOne(_ batch: [OutboxMessage], into settlement: inout RelaySettlement) async -> AMQPError? {
        var failed: [(message: OutboxMessage, error: AMQPError)] = []
        var inARow = 0
        var passed = 0
        for (index, message) in batch.enumerated() {
            var one = RelaySettlement()
            let problem = await publish([message], into: &one)
            if let problem, one.unsent.count == 1 {
                failed.append((message, problem))
                inARow += 1
                guard inARow < 3 else {
                    // The broker takes nothing at all.
                    settlement.unsent += batch[(index + 1)...]
                    break
                }
            } else {
                settlement += one
                inARow = 0
                passed += one.confirmed.count
            }
        }
        if passed > 0, inARow < 3 {
            settlement.refused += failed.map {
                OutboxRefusal($0.message, error: "\($0.error)", isFinal: false, isOwnFault: true)
            }
        } else {
            settlement.unsent += failed.map(\.message)
        }
        return failed.last?.error
    }

    private func judge(
        _ batch: [OutboxMessage], _ error: AMQPError, into settlement: inout RelaySettlement
    ) async -> AMQPError? {
        switch error {
        case .messageTooLarge(let index, _, _), .invalidMessage(let index, _):
            // None of them was sent: the others are, without it.
            settlement.refused.append(OutboxRefusal(batch[index], error: "\(error)", isFinal: true))
            var rest = batch
            rest.remove(at: index)
            return await publish(rest, into: &settlement)
        case .returned(let indexes, _):
            let homeless = Set(indexes)
            for (index, message) in batch.enumerated() {
                switch (homeless.contains(index), message.type) {
                case (true, MessageType.outcome):
                    // Nobody waits for it any more; the order itself has it.
                    settlement.dropped.append(message)
                    settlement.confirmed.append(message)
                case (true, _): settlement.unsent.append(message)
                case (false, _): settlement.confirmed.append(message)
                }
            }
            return settlement.unsent.isEmpty ? nil : error
        case .nacked(let indexes), .unconfirmed(let indexes, _):
            // A full queue, or a broker that went away: no fault of theirs.
            let open = Set(indexes)
            for (index, message) in batch.enumerated() {
                if open.contains(index) {
                    settlement.unsent.append(message)
                } else {
                    settlement.confirmed.append(message)
                }
            }
            return error
        case .preconditionFailed, .channelClosed:
            // The broker closed the channel over one of them and doesn't say which.
            guard batch.count > 1 else {
                var isOwnFault = false
                if case .preconditionFailed = error { isOwnFault = true }
                settlement.refused.append(
                    OutboxRefusal(batch[0], error: "\(error)", isFinal: false, isOwnFault: isOwnFault))
                return error
            }
            let middle = batch.count / 2
            let first = await publish(Array(batch[..<middle]), into: &settlement)
            return await publish(Array(batch[middle...]), into: &settlement) ?? first
        case .notFound, .accessRefused:
            // The exchange is missing or forbidden, for all of them alike.
            settlement.refused += batch.map { OutboxRefusal($0, error: "\(error)", isFinal: false) }
            return error
        case .invalidURL, .connectionRefused, .authenticationFailed, .virtualHostMissing, .blocked, .timeout,
            .connectionLost, .cancelled, .closed, .system:
            settlement.unsent += batch
            return error
        }
    }

    private static func message(_ row: OutboxMessage) -> OutgoingMessage {
        var properties = MessageProperties()
        properties.messageID = row.row.uuidString.lowercased()
        properties.type = row.type
        properties.correlationID = row.correlationID
        properties.appID = row.appID
        properties.replyTo = row.replyTo
        if let traceparent = row.traceparent { properties.headers["traceparent"] = .string(traceparent) }
        properties.contentType = "application/json"
        return OutgoingMessage(
            exchange: row.exchange, routingKey: row.routingKey, properties: properties, body: row.body,
            // An outcome's queue may be gone; without the escalation queue the exchange would swallow an error event.
            mandatory: row.type == MessageType.outcome || row.type == MessageType.errorEvent)
    }
}

extension OutboxMessage {
    /// Where it goes, as ``Store/leaseOutbox(_:limit:skip:)`` names it.
    var destination: String { "\(exchange)\n\(routingKey)" }
}
