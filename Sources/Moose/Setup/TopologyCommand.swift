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
        commandName: "plan", abstract: "Show which exchanges and queues there are, and which `apply` would declare.",
        discussion: """
            EXAMPLES
              moose topology plan
              moose topology plan --json | jq -r '.[] | select(.exists | not) | .name'
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let topology = MooseTopology.topology(lanes: settings.lanes.keys)
            try await TopologyAccess.withPublisher(settings) { publisher in
                let parts = try await TopologyPart.of(topology, on: publisher)
                if common.json {
                    print(try JSONOutput.text(list: parts), terminator: "")
                } else {
                    var table = Table([.init("KIND"), .init("NAME", isFlexible: true), .init("STATE")])
                    for part in parts {
                        table.add(["\(part.kind)", "\(part.name)", part.exists ? "there" : "missing"])
                    }
                    print(table.text(for: common.terminal), terminator: "")
                }
            }
        }
    }
}

/// An exchange or a queue that Moose needs.
struct TopologyPart: Encodable, Equatable {
    /// `exchange` or `queue`.
    let kind: String
    let name: String
    /// Whether one of this name stands on the broker.
    let exists: Bool

    static func of(_ topology: Topology, on publisher: AMQPPublisher) async throws -> [TopologyPart] {
        var parts: [TopologyPart] = []
        for exchange in topology.exchanges {
            let exists = try await publisher.exchangeExists(exchange.name)
            parts.append(.init(kind: "exchange", name: exchange.name, exists: exists))
        }
        for queue in topology.queues {
            parts.append(.init(kind: "queue", name: queue.name, exists: try await publisher.queueExists(queue.name)))
        }
        return parts
    }
}

/// `moose topology apply`.
struct TopologyApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Declare what is missing; refuse what stands there with other properties.",
        discussion: """
            EXAMPLES
              moose topology apply
              moose topology apply --json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let topology = MooseTopology.topology(lanes: settings.lanes.keys)
            try await TopologyAccess.withPublisher(settings) { try await $0.declare(topology) }
            let exchanges = topology.exchanges.map(\.name)
            let queues = topology.queues.map(\.name)
            print(
                common.json
                    ? try JSONOutput.text(["exchanges": exchanges, "queues": queues])
                    : "Declared \(exchanges.count) exchanges and \(queues.count) queues.\n", terminator: "")
        }
    }
}

/// Opens a publisher's connection for a short command.
enum TopologyAccess {
    static func withPublisher(
        _ settings: Settings, _ body: (AMQPPublisher) async throws -> Void
    ) async throws {
        var configuration = try AMQPConfiguration(settings)
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
