internal import ArgumentParser

/// `moose work-orders`.
struct WorkOrdersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work-orders",
        abstract: "Look at work orders, cancel them, give them another place, have them tried again.",
        discussion: """
            EXAMPLES
              moose work-orders list --state failed
              moose work-orders show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose work-orders cancel --lane llm --kind draft --reason "wrong prompt"
              moose work-orders reprioritise --project textkit --priority 9
              moose work-orders retry 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
            """,
        subcommands: [
            WorkOrdersList.self, WorkOrdersShow.self, WorkOrdersCancel.self, WorkOrdersMove.self,
            WorkOrdersReprioritise.self, WorkOrdersReschedule.self, WorkOrdersRetry.self,
        ])
}
