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

    /// - Parameter lane: where a body names none.
    init(_ bytes: [UInt8], lane: String, limit: Int) {
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            var body = Array(line)
            if body.last == UInt8(ascii: "\r") { body.removeLast() }
            guard body.contains(where: { $0 != UInt8(ascii: " ") }) else { continue }
            do throws(InvalidMessage) {
                try add(body, lane: lane, limit: limit)
            } catch {
                problems.append((index + 1, error))
            }
        }
    }

    private mutating func add(_ body: [UInt8], lane: String, limit: Int) throws(InvalidMessage) {
        let form: WorkOrderMessage.Form
        do throws(InvalidMessage) {
            form = try WorkOrderMessage.decode(body, messageID: nil, lane: lane, limit: limit)
        } catch  where error.reason == .noID {
            // A body without an id gets one, carried in message_id.
            form = try WorkOrderMessage.decode(
                body, messageID: UUID.timeOrdered().uuidString, lane: lane, limit: limit)
        }
        guard case .order(let order) = form else { return }
        ids.append(order.id)
        messages.append(.workOrder(id: order.id, lane: order.lane, body: body, appID: "moose"))
    }
}
