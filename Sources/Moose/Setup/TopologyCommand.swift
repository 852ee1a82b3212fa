internal import AMQP
internal import ArgumentParser
internal import Messaging
internal import Settings

/// `moose topology`.
struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Show and declare the exchanges and queues on the broker.",
        subcommands: [TopologyPlan.self, TopologyApply.self])
}

/// `moose topology plan`.
struct TopologyPlan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what is declared, and which queues are missing.",
        discussion: """
            EXAMPLES
              moose topology plan
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let topology = MooseTopology.topology(lanes: settings.lanes.keys)
            try await TopologyAccess.withPublisher(settings) { publisher in
                var table = Table([.init("KIND"), .init("NAME", isFlexible: true), .init("STATE")])
                for exchange in topology.exchanges { table.add(["exchange", "\(exchange.name)", "declared on apply"]) }
                for queue in topology.queues {
                    let found = try await publisher.queueExists(queue.name)
                    table.add(["queue", "\(queue.name)", found ? "there" : "missing"])
                }
                print(table.text(for: common.terminal))
            }
        }
    }
}

/// `moose topology apply`.
struct TopologyApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Declare what is missing; refuse what stands there with other properties.",
        discussion: """
            EXAMPLES
              moose topology apply
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let topology = MooseTopology.topology(lanes: settings.lanes.keys)
            try await TopologyAccess.withPublisher(settings) { try await $0.declare(topology) }
            print("Declared \(topology.exchanges.count) exchanges and \(topology.queues.count) queues.")
        }
    }
}

/// Opens a publisher's connection for a short command.
enum TopologyAccess {
    static func withPublisher(
        _ settings: Settings, _ body: (AMQPPublisher) async throws -> Void
    ) async throws {
        var configuration = try AMQPConfiguration(url: settings.broker.url)
        configuration.connectionName = "moose command"
        let publisher = try AMQPPublisher(configuration: configuration)
        let result = await asyncResult {
            try await publisher.connect()
            try await body(publisher)
        }
        await publisher.close()
        try result.get()
    }
}
