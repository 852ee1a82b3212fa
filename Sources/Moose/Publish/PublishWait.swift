internal import AMQP
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose publish --wait`: until each order has ended, can't go on, or was refused.
struct PublishWait {
    private let publications: [OrdersEnded.Publication]

    init(_ orders: [OrderLines.Order]) {
        // A line that stands there twice is one order.
        var known: Set<OrdersEnded.Publication> = []
        publications = orders.map { OrdersEnded.Publication(id: $0.id, body: $0.message.body) }
            .filter { known.insert($0).inserted }
    }

    /// How many ends there are to wait for.
    var count: Int { publications.count }

    /// How they stand now.
    func look(_ client: PostgresClient) async throws -> OrdersEnded {
        try await OrdersEnded.count(publications, client)
    }

    /// Returns when all have completed.
    ///
    /// - Parameters:
    ///   - limit: so long at most; default nil: however long it takes.
    ///   - write: gets the progress.
    /// - Throws: ``CommandFailure`` when all have ended and some did not complete, or the time is over.
    func run(
        in client: PostgresClient, within limit: Duration? = nil, on terminal: Terminal, write: (String) -> Void
    ) async throws {
        var bar = ProgressBar(title: "ended", total: count, terminal: terminal)
        let started = ContinuousClock.now
        while true {
            let now = try await look(client)
            if now.ended == count {
                write(bar.finish(done: now.ended, elapsed: .now - started))
                if let failure = failure(now) { throw failure }
                return
            }
            if let limit, .now - started >= limit {
                write(bar.finish(done: now.ended, elapsed: .now - started))
                throw CommandFailure(
                    "\(NumberText.grouped(count - now.ended)) of \(NumberText.grouped(count)) have not ended after "
                        + "\(limit.components.seconds) s", why: "They go on all the same",
                    next: "`moose work-orders show ID` tells how one stands")
            }
            let note = now.inReview == 0 ? nil : "\(NumberText.grouped(now.inReview)) in needs_review: CI decides"
            if let text = bar.update(done: now.ended, elapsed: .now - started, note: note) { write(text) }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// How one ended: a line, and below it what it says.
    static func text(of end: OrderEnd, on terminal: Terminal) throws -> String {
        let cost = end.costMicroUSD.map { ", \(MoneyText.dollars($0))" } ?? ""
        let state = terminal.styled(end.state, StateStyle.style(end.state))
        var text = "\(end.id.uuidString.lowercased())  \(state)\(cost)\n"
        if let error = end.error { text += try JSONValue.string(error).lines() }
        if let result = end.result { text += try JSONValue.document(result).lines() }
        return text
    }

    private func failure(_ end: OrdersEnded) -> CommandFailure? {
        let missed = count - end.completed
        guard missed > 0 else { return nil }
        let refused = end.reused.isEmpty ? nil : Self.text(reused: end.reused)
        return CommandFailure(
            "\(NumberText.grouped(missed)) of \(NumberText.grouped(count)) did not complete", why: refused,
            next: end.unsuccessful == 0
                ? "Give each order an id of its own; `moose dead-letters list --reason id_reused` shows what was refused"
                : "`moose work-orders show ID` tells why")
    }

    private static func text(reused ids: [UUID]) -> String {
        let shown = ids.prefix(5).map { $0.uuidString.lowercased() }.joined(separator: ", ")
        let more = ids.count > 5 ? " and \(NumberText.grouped(ids.count - 5)) more" : ""
        return ids.count == 1
            ? "The id \(shown) was published before with another body: this publication was refused as id_reused"
            : "The ids \(shown)\(more) were published before with other bodies: these publications were refused "
                + "as id_reused"
    }
}
