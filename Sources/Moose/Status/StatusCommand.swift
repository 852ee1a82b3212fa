internal import ArgumentParser
internal import Operations
internal import Postgres
internal import WorkOrders

/// `moose status`.
struct StatusCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show work orders, workers, the outbox, escalations and budgets at a glance.",
        discussion: """
            EXAMPLES
              moose status
              watch -n 2 moose status
              moose status --json | jq .work_orders.failed
            """)

    @OptionGroup var common: CommonOptions

    func wanted() throws {}

    func answer(to wanted: Void, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let status = try await SystemStatus.load(from: database)
        return CommandAnswer(text: text(status, terminal), json: status.json)
    }

    private func text(_ status: SystemStatus, _ terminal: Terminal) -> String {
        func line(_ title: String, _ text: String) -> String {
            terminal.styled(title, .bold) + String(repeating: " ", count: 14 - title.count) + text + "\n"
        }
        var states = WorkOrderState.allCases.compactMap { state -> String? in
            guard let count = status.orders[state.rawValue], count > 0 else { return nil }
            return terminal.styled("\(NumberText.grouped(count)) \(state.rawValue)", StateStyle.style(state.rawValue))
        }
        let about = status.completedIsEstimate ? "about " : ""
        states.append(terminal.styled("\(about)\(NumberText.grouped(status.completed)) completed", .green))
        var text = line("Work orders", states.joined(separator: ", "))
        text += line(
            "Workers",
            status.workers == 0
                ? terminal.styled("none alive", .yellow)
                : "\(status.workers) alive, \(status.running) of \(status.slots) slots busy")
        for lane in status.untended {
            text += line("Lane", terminal.styled("\(lane.name) has no worker: \(lane.load)", .red))
        }
        let age = status.oldestSeconds.map { ", the oldest for \(TimeText.coarse(seconds: $0))" } ?? ""
        text += line("Outbox", "\(NumberText.grouped(status.waiting)) waiting\(age)")
        let critical = status.critical > 0 ? ", \(status.critical) critical" : ""
        text += line(
            "Escalations",
            terminal.styled(
                "\(NumberText.grouped(status.escalations)) open\(critical)", status.escalations > 0 ? .red : nil))
        text += line("Dead letters", NumberText.grouped(status.deadLetters))
        // Projects are many; `moose budget show` has them all.
        for budget in status.budgets where budget.scope == "org" {
            let bar = terminal.isTTY ? budget.bar.text(width: 24, for: terminal) + " " : ""
            text += line("Budget", "\(bar)\(budget.period): \(budget.use)")
        }
        return text
    }
}
