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

    /// What it may be good to know about fields that were published.
    private(set) var unknown = UnknownFields()

    private let lane: String
    private let limit: Int
    private let kinds: Set<String>
    private let common: Common

    /// What all of them have, from flags.
    struct Common {
        /// Fields for lines that leave them out, each with its value as JSON.
        var defaults: [(name: String, value: [UInt8])] = []
        var replyTo: String?
        var correlationID: String?
    }

    var messages: [OutgoingMessage] { orders.map(\.message) }
    var ids: [UUID] { orders.map(\.id) }

    /// Orders from NDJSON, one body a line.
    ///
    /// - Parameters:
    ///   - lane: where a body names none.
    ///   - kinds: those that have a handler, and so a price; empty where this configuration names none, and only the
    ///     workers know.
    init(_ bytes: [UInt8], lane: String, limit: Int, kinds: Set<String>, common: Common = Common()) {
        self.init(lane: lane, limit: limit, kinds: kinds, common: common)
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            var body = Array(line)
            if body.last == UInt8(ascii: "\r") { body.removeLast() }
            guard body.contains(where: { $0 != UInt8(ascii: " ") }) else { continue }
            add(body, line: index + 1)
        }
    }

    /// One order, whose body may go over many lines.
    init(one body: [UInt8], lane: String, limit: Int, kinds: Set<String>, common: Common = Common()) {
        self.init(lane: lane, limit: limit, kinds: kinds, common: common)
        add(body, line: 1)
    }

    private init(lane: String, limit: Int, kinds: Set<String>, common: Common) {
        self.lane = lane
        self.limit = limit
        self.kinds = kinds
        self.common = common
    }

    /// The body with what it leaves out of the defaults, right behind its opening brace; all else stays as it was written.
    private func completed(_ body: [UInt8], having names: Set<String>) -> [UInt8] {
        let added = common.defaults.filter { !names.contains($0.name) }
        guard !added.isEmpty, let brace = body.firstIndex(of: UInt8(ascii: "{")) else { return body }
        return body[...brace] + OrderFlags.members(added) + (names.isEmpty ? [] : [UInt8(ascii: ",")])
            + body[(brace + 1)...]
    }

    /// The names in a body; nil for what is no JSON object, which is told of when it is judged. Values are not looked at:
    /// there are numbers and texts that only a handler must be able to read.
    private static func names(in body: [UInt8]) -> Set<String>? {
        struct Unread: Decodable { init(from _: any Decoder) {} }
        guard JSONSyntax.fault(in: body) == nil,
            let object = try? JSONDecoder().decode([String: Unread].self, from: Data(body))
        else { return nil }
        return Set(object.keys)
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

    private mutating func order(_ body: [UInt8], line: Int) throws(InvalidMessage) -> Order? {
        let names = body.count <= limit ? Self.names(in: body) : nil
        let body = names.map { completed(body, having: $0) } ?? body
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
        unknown.look(at: (names ?? []).sorted(), line: line)
        var message = OutgoingMessage.workOrder(id: order.id, lane: order.lane, body: body, appID: "moose")
        message.properties.replyTo = common.replyTo
        message.properties.correlationID = common.correlationID
        return Order(line: line, id: order.id, message: message)
    }
}
