internal import AMQP
internal import FoundationEssentials
internal import Messaging
internal import WorkOrders

/// Work orders from NDJSON: one body a line, each checked as the worker would check it.
struct OrderLines {
    private(set) var messages: [OutgoingMessage] = []
    private(set) var ids: [UUID] = []
    /// Line number and what is wrong with it.
    private(set) var problems: [(line: Int, problem: InvalidMessage)] = []

    /// - Parameters:
    ///   - lane: where a body names none.
    ///   - kinds: those that have a handler, and so a price; empty where this configuration names none, and only the
    ///     workers know.
    init(_ bytes: [UInt8], lane: String, limit: Int, kinds: Set<String>) {
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            var body = Array(line)
            if body.last == UInt8(ascii: "\r") { body.removeLast() }
            guard body.contains(where: { $0 != UInt8(ascii: " ") }) else { continue }
            do throws(InvalidMessage) {
                try add(body, lane: lane, limit: limit, kinds: kinds)
            } catch {
                problems.append((index + 1, error))
            }
        }
    }

    private mutating func add(
        _ body: [UInt8], lane: String, limit: Int, kinds: Set<String>
    ) throws(InvalidMessage) {
        let form: WorkOrderMessage.Form
        do throws(InvalidMessage) {
            form = try WorkOrderMessage.decode(body, messageID: nil, lane: lane, limit: limit)
        } catch  where error.reason == .noID {
            // A body without an id gets one, carried in message_id.
            form = try WorkOrderMessage.decode(
                body, messageID: UUID.timeOrdered().uuidString, lane: lane, limit: limit)
        }
        guard case .order(let order) = form else { return }
        guard order.estimate != nil || kinds.isEmpty || kinds.contains(order.kind) else {
            throw InvalidMessage(
                .unknownPrice,
                "no handler in moose.yaml gives the kind \(order.kind) a price, and the order names none: "
                    + "add estimated_cost_usd (--estimated-cost), or correct the kind")
        }
        ids.append(order.id)
        messages.append(.workOrder(id: order.id, lane: order.lane, body: body, appID: "moose"))
    }
}
