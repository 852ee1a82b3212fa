internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Messaging
internal import Publisher
internal import Settings
internal import Spool
internal import WorkOrders

extension Severity: ExpressibleByArgument {}
extension FailureClass: ExpressibleByArgument {}

/// `moose publish-error`.
struct PublishErrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish-error",
        abstract: "Report an error to the escalation queue.",
        discussion: """
            While the broker is away, the event is kept on this machine's disk: any worker or Client Manager here sends it \
            later, and so does `moose spool flush`.

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
            try await send(event, try common.settings())
            print(
                common.json
                    ? try JSONOutput.text(["id": event.id.uuidString.lowercased()]) : event.id.uuidString.lowercased())
        }
    }

    private func send(_ event: ErrorEvent, _ settings: Settings) async throws {
        do {
            try await TopologyAccess.withPublisher(settings) { publisher in
                try await WorkOrderPublisher(publisher).report(event)
            }
        } catch let error as AMQPError where error.isWorthSpooling {
            guard let record = SpoolRecord(try .errorEvent(event)) else { throw error }
            let file = try await SpoolPlace.spool(settings).append([record], as: .events)
            StandardError.write("moose: \(error). The event is safe in \(file)\n")
        }
    }
}
