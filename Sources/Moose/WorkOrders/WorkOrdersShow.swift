internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose work-orders show`.
struct WorkOrdersShow: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Tell the whole story of one work order.",
        discussion: """
            States, attempts, holds, costs, results of CI, dead letters and escalations on one time line, then \
            what it waits for, the result or the error, and the message as it was published.

            EXAMPLES
              moose work-orders show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose work-orders show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --json | jq .attempts
            """)

    @Argument(help: ArgumentHelp("The id of the work order.", valueName: "id"))
    var identifier: String

    @OptionGroup var common: CommonOptions

    func wanted() throws -> UUID {
        try IdentifierArgument.parse(identifier, of: "a work order", listedBy: "moose work-orders list")
    }

    func answer(to wanted: UUID, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        guard let story = try await WorkOrderStory.load(wanted, from: database) else {
            throw try await PrunedOrder.find(wanted, in: database).map(Self.pruned) ?? Self.unknown(wanted)
        }
        return try common.answer(text: try text(story, terminal), json: story.json)
    }

    /// An order is known from when it is registered, a moment after it was published: before, only the broker has it.
    static func unknown(_ id: UUID) -> CommandFailure {
        CommandFailure(
            "the database has no work order \(id.uuidString.lowercased())",
            why: "It still waits in its lane's queue and no worker has taken it, or it was never accepted, or was "
                + "pruned so long ago that its id is forgotten",
            next: "`moose lanes list` shows the lanes that workers serve and those that are paused, "
                + "`moose dead-letters list` what was refused", status: .refused)
    }

    static func pruned(_ order: PrunedOrder) -> CommandFailure {
        CommandFailure(
            "the work order \(order.id.uuidString.lowercased()) was pruned on \(Moment.minute(order.prunedAt))",
            why: "It had ended \(order.state) on \(Moment.minute(order.endedAt)), and what is finished is kept for "
                + "retention.orders_days of moose.yaml",
            next: "Its costs stand in the ledger, its id is still recognised", status: .refused)
    }

    private func text(_ story: WorkOrderStory, _ terminal: Terminal) throws -> String {
        let order = story.order
        func heading(_ text: String) -> String { "\n" + terminal.styled(text, .bold) + "\n" }
        var text = terminal.styled(PrintableText.oneLine(order.title), .bold) + "\n"
        var facts = FactList()
        facts.add("id", order.id.uuidString.lowercased())
        facts.add("state", order.state, StateStyle.style(order.state))
        if let since = order.cancelRequestedAt, order.state != "cancelled" {
            let who = "\(order.cancelWho ?? "somebody") at \(Moment.exact(since)): \(order.cancelReason ?? "")"
            facts.add(order.state == "in_progress" ? "to be cancelled by" : "too late to be cancelled by", who)
        }
        facts.add("kind", "\(order.kind) in lane \(order.lane)")
        facts.add("priority", order.priority > 0 ? "\(order.priority)" : nil)
        facts.add("project", order.project)
        facts.add("agent", order.agent)
        facts.add("attempt", "\(order.attempt)" + (order.maxAttempts.map { " of \($0)" } ?? ""))
        facts.add("estimate", order.estimateMicroUSD.map(MoneyText.dollars))
        facts.add("due", order.finishedAt == nil ? Moment.exact(order.runAt) : nil)
        facts.add("pull request", pullRequest(of: order))
        facts.add("error", order.error.map { (order.failureClass.map { "\($0): " } ?? "") + $0 })
        text += facts.text(for: terminal)

        text += heading("Time line")
        var table = Table([.init("TIME (UTC)"), .init("WHAT"), .init("DETAIL", isFlexible: true)])
        for event in story.timeLine {
            table.add([
                Table.Cell(Moment.exact(event.at), .dim),
                Table.Cell(event.what, event.state.flatMap(StateStyle.style)), Table.Cell(event.detail),
            ])
        }
        text += table.text(for: terminal)
        text += dependencies(story.dependencies, title: heading("Waits for"), terminal)
        text += dependencies(story.dependents, title: heading("Waited for by"), terminal)
        if let attempt = story.attempts.last(where: { $0.output != nil }), let output = attempt.output {
            text += heading("Output of \(attempt.what)") + (try JSONValue.string(output).lines())
        }
        if let result = order.result { text += heading("Result") + (try JSONValue.document(result).lines()) }
        text += heading("Message") + (try JSONValue.document(order.body).lines())
        return text
    }

    private func pullRequest(of order: WorkOrderDetail) -> String? {
        guard let number = order.pullRequest else { return nil }
        let wait = order.ciSince.map { ", waits for CI since \(Moment.exact($0))" } ?? ""
        return "#\(number)" + (order.repository.map { " of \($0)" } ?? "") + (order.state == "needs_review" ? wait : "")
    }

    private func dependencies(
        _ list: [WorkOrderStory.Dependency], title: String, _ terminal: Terminal
    ) -> String {
        guard !list.isEmpty else { return "" }
        var table = Table([.init("ID"), .init("STATE"), .init("TITLE", isFlexible: true)])
        for item in list {
            let state = item.state ?? "not published"
            table.add([
                Table.Cell(item.id.uuidString.lowercased()), Table.Cell(state, StateStyle.style(state)),
                Table.Cell(item.title ?? ""),
            ])
        }
        return title + table.text(for: terminal)
    }
}
