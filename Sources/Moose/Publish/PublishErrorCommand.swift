internal import ArgumentParser
internal import FoundationEssentials
internal import Publisher
internal import WorkOrders

extension Severity: ExpressibleByArgument {}
extension FailureClass: ExpressibleByArgument {}

/// `moose publish-error`.
struct PublishErrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish-error",
        abstract: "Report an error to the escalation queue.",
        discussion: """
            EXAMPLES
              moose publish-error --component proposer --operation plan --message "no plan in 3 tries"
            """)

    @OptionGroup var common: CommonOptions
    @Option(help: "Who reports.") var component: String
    @Option(help: "What it was doing.") var operation: String
    @Option(help: "What went wrong.") var message: String
    @Option(help: "How urgent it is.") var severity = Severity.warning
    @Option(help: "The work order concerned.") var workOrder: String?
    @Option(help: "What kind of failure.") var failureClass: FailureClass?

    func run() async throws {
        try await runCommand {
            let event = ErrorEvent(
                component: component, operation: operation, severity: severity, message: message,
                workOrderID: try workOrder.map {
                    try IdentifierArgument.parse($0, of: "a work order", listedBy: "moose work-orders list")
                }, failureClass: failureClass)
            try await TopologyAccess.withPublisher(try common.settings()) { publisher in
                try await WorkOrderPublisher(publisher).report(event)
            }
            print(
                common.json
                    ? try JSONOutput.text(["id": event.id.uuidString.lowercased()]) : event.id.uuidString.lowercased())
        }
    }
}
