internal import AMQP
internal import FoundationEssentials
internal import Messaging
internal import WorkOrders

/// Work orders of 512 bytes for the no-op handler.
struct BenchOrders: Sendable {
    static let kind = "noop"
    static let bodyBytes = 512
    static let estimate = "0.01"
    /// What the handler says each has cost.
    static let cost = MicroUSD(microdollars: 8_000)

    let ids: [UUID]
    let messages: [OutgoingMessage]

    init(count: Int) {
        var ids: [UUID] = []
        var messages: [OutgoingMessage] = []
        ids.reserveCapacity(count)
        messages.reserveCapacity(count)
        for _ in 0..<count {
            let id = UUID.timeOrdered()
            ids.append(id)
            messages.append(.workOrder(id: id, lane: BenchStack.lane, body: Self.body(id), appID: nil))
        }
        self.ids = ids
        self.messages = messages
    }

    private static func body(_ id: UUID) -> [UInt8] {
        var body = Array(#"{"id":"\#(id.uuidString.lowercased())","kind":"\#(kind)","title":"A no-op","#.utf8)
        body += Array(#""estimated_cost_usd":"\#(estimate)","payload":""#.utf8)
        body += Array(repeating: UInt8(ascii: "x"), count: bodyBytes - body.count - 2)
        body += Array(#""}"#.utf8)
        return body
    }
}
