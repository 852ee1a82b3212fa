internal import AMQP
internal import FoundationEssentials
internal import Messaging
internal import Settings

/// What `moose doctor` looks at on the broker.
struct BrokerChecks {
    let settings: Settings

    func findings() async -> [Finding] {
        var findings: [Finding] = []
        do {
            try await TopologyAccess.withPublisher(settings) { publisher in
                findings.append(.good("broker", "RabbitMQ \(publisher.status().serverVersion ?? "?")"))
                findings += try await topology(publisher)
            }
        } catch let error as AMQPError {
            if case .accessRefused(let refusal) = error {
                findings.append(denied("access to the virtual host", refusal))
            } else {
                findings.append(.bad("broker", error))
            }
        } catch {
            findings.append(.bad("broker", error))
        }
        return findings
    }

    private func topology(_ publisher: AMQPPublisher) async throws -> [Finding] {
        let topology = MooseTopology.topology(lanes: settings.lanes.keys)
        var missing: [Finding] = []
        for queue in topology.queues where try await !publisher.queueExists(queue.name) {
            missing.append(.bad("queue \(queue.name)", "missing; run `moose topology apply`"))
        }
        guard missing.isEmpty else { return try await mayConfigure(publisher) ?? missing }
        // Declaring what is there changes nothing, and the broker refuses it where it differs. The steps are apart,
        // because the broker's answer names the queue or exchange and not the permission it asks for there.
        let things = Topology(exchanges: topology.exchanges, queues: topology.queues)
        if let refused = try await refusal(lacking: Self.configure, of: { try await publisher.declare(things) }) {
            return refused
        }
        let bindings = Topology(bindings: topology.bindings)
        return try await refusal(lacking: Self.writeOrRead, of: { try await publisher.declare(bindings) })
            ?? [.good("topology")]
    }

    /// Asks with a queue that ends with this connection, or the advice to apply the topology would lead nowhere.
    private func mayConfigure(_ publisher: AMQPPublisher) async throws -> [Finding]? {
        let name = "moose.doctor.\(UUID())"
        let queue = Topology.QueueDeclaration(name: name, durable: false, exclusive: true, autoDelete: true)
        let declareAndDelete = {
            try await publisher.declare(Topology(queues: [queue]))
            try await publisher.deleteQueue(name)
        }
        return try await refusal(lacking: Self.configure, of: declareAndDelete)
    }

    private static func configure(_ refusal: String) -> String { "configure" }

    /// What a binding asks for: to write to its queue, to read from its exchange.
    private static func writeOrRead(_ refusal: String) -> String { refusal.contains("queue '") ? "write" : "read" }

    /// What the broker refused of the body, if it did.
    private func refusal(
        lacking permission: (String) -> String, of body: () async throws -> Void
    ) async throws -> [Finding]? {
        do {
            try await body()
            return nil
        } catch AMQPError.accessRefused(let refusal) {
            return [denied("the permission '\(permission(refusal))'", refusal)]
        } catch AMQPError.preconditionFailed(let name, let text) {
            return [drifted(name, text)]
        }
    }

    private func denied(_ what: String, _ refusal: String) -> Finding {
        .bad("permission", "the broker's user lacks \(what): \(refusal). Run `\(BrokerGrant.command(after: refusal))`")
    }

    private func drifted(_ name: String, _ text: String) -> Finding {
        let what = "'\(name)' exists with other properties: \(text). "
        // Only queues can be deleted from a command line.
        guard text.contains("queue '\(name)'") else {
            return .bad("topology", what + "Delete it on the broker, then run `moose topology apply`")
        }
        let host = BrokerGrant.virtualHost(in: text)
        return .bad(
            "topology",
            what + "Once it is empty, run `rabbitmqctl delete_queue -p \(host) \(ShellWord.quoted(name))"
                + " && moose topology apply`")
    }
}
