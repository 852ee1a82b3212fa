internal import AMQP
internal import FoundationEssentials
internal import Messaging
internal import Publisher
internal import WorkOrders

/// Work orders to be published, each checked as the worker would check it.
struct OrderLines {
    /// One that can be published.
    struct Order {
        /// Counted from 1.
        let line: Int
        let id: UUID
        let message: OutgoingMessage
    }

    private(set) var orders: [Order] = []
    /// Line number and what is wrong with it, in the order of the lines.
    private(set) var problems: [(line: Int, problem: InvalidMessage)] = []

    private let lane: String
    private let limit: Int
    private let kinds: Set<String>

    var messages: [OutgoingMessage] { orders.map(\.message) }
    var ids: [UUID] { orders.map(\.id) }

    /// Orders from NDJSON, one body a line.
    ///
    /// - Parameters:
    ///   - lane: where a body names none.
    ///   - kinds: those that have a handler, and so a price; empty where this configuration names none, and only the
    ///     workers know.
    init(_ bytes: [UInt8], lane: String, limit: Int, kinds: Set<String>) {
        self.init(lane: lane, limit: limit, kinds: kinds)
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            var body = Array(line)
            if body.last == UInt8(ascii: "\r") { body.removeLast() }
            guard body.contains(where: { $0 != UInt8(ascii: " ") }) else { continue }
            add(body, line: index + 1)
        }
    }

    /// One order, whose body may go over many lines.
    init(one body: [UInt8], lane: String, limit: Int, kinds: Set<String>) {
        self.init(lane: lane, limit: limit, kinds: kinds)
        add(body, line: 1)
    }

    private init(lane: String, limit: Int, kinds: Set<String>) {
        self.lane = lane
        self.limit = limit
        self.kinds = kinds
    }

    /// Leaves out the orders of these lanes.
    ///
    /// - Returns: a problem for each, now among ``problems``.
    mutating func leaveOut(lanesWithoutQueue lanes: Set<String>) -> [(line: Int, problem: InvalidMessage)] {
        let found = orders.filter { lanes.contains($0.message.routingKey) }.map { order in
            (
                line: order.line,
                problem: InvalidMessage(.unroutable, UnknownLane(lane: order.message.routingKey).description)
            )
        }
        orders.removeAll { lanes.contains($0.message.routingKey) }
        problems = (problems + found).sorted { $0.line < $1.line }
        return found
    }

    private mutating func add(_ body: [UInt8], line: Int) {
        do throws(InvalidMessage) {
            if let order = try order(body, line: line) { orders.append(order) }
        } catch {
            problems.append((line, error))
        }
    }

    private func order(_ body: [UInt8], line: Int) throws(InvalidMessage) -> Order? {
        let form: WorkOrderMessage.Form
        do throws(InvalidMessage) {
            form = try WorkOrderMessage.decode(body, messageID: nil, lane: lane, limit: limit)
        } catch  where error.reason == .noID {
            // A body without an id gets one, carried in message_id.
            form = try WorkOrderMessage.decode(
                body, messageID: UUID.timeOrdered().uuidString, lane: lane, limit: limit)
        }
        guard case .order(let order) = form else { return nil }
        guard order.estimate != nil || kinds.isEmpty || kinds.contains(order.kind) else {
            throw InvalidMessage(
                .unknownPrice,
                "no handler in moose.yaml gives the kind \(order.kind) a price, and the order names none: "
                    + "add estimated_cost_usd (--estimated-cost), or correct the kind")
        }
        return Order(
            line: line, id: order.id,
            message: .workOrder(id: order.id, lane: order.lane, body: body, appID: "moose"))
    }
}
