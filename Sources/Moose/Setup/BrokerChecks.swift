internal import AMQP
internal import FoundationEssentials
internal import Messaging
internal import Settings

/// What `moose doctor` looks at on the broker.
struct BrokerChecks {
    let settings: Settings
    /// Whose rights are looked at.
    let roles: [BrokerRole]

    func findings() async -> [Finding] {
        var findings: [Finding] = []
        do {
            let configuration = try AMQPConfiguration(url: settings.broker.url)
            // One host is told of by the connection itself.
            if configuration.addresses.count > 1 {
                for address in configuration.addresses { findings.append(await host(address, configuration)) }
            }
            try await TopologyAccess.withPublisher(settings) { publisher in
                let version = "RabbitMQ \(publisher.status().serverVersion ?? "?")"
                let isUnsure = configuration.tls?.verifies == false
                findings.append(
                    .good("broker", isUnsure ? "\(version); its certificate is not checked (verify_none)" : version))
                findings += try await topology(publisher)
                findings += try await rights(publisher)
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

    /// Each host must do by itself: the others may be away one day.
    private func host(_ address: BrokerAddress, _ configuration: AMQPConfiguration) async -> Finding {
        let name = "broker \(address)"
        var alone = configuration
        alone.addresses = [address]
        do {
            let publisher = try AMQPPublisher(configuration: alone)
            let result = await asyncResult { try await publisher.connect() }
            let version = publisher.status().serverVersion ?? "?"
            await publisher.close()
            try result.get()
            return .good(name, "RabbitMQ \(version)")
        } catch {
            return .bad(name, error)
        }
    }

    private func topology(_ publisher: AMQPPublisher) async throws -> [Finding] {
        let topology = MooseTopology.topology(lanes: settings.lanes.keys)
        var missing: [Finding] = []
        for exchange in topology.exchanges where try await !publisher.exchangeExists(exchange.name) {
            missing.append(.bad("exchange \(exchange.name)", "missing; run `moose topology apply`"))
        }
        for queue in topology.queues where try await !publisher.queueExists(queue.name) {
            missing.append(.bad("queue \(queue.name)", "missing; run `moose topology apply`"))
        }
        guard missing.isEmpty else { return try await mayConfigure(publisher) ?? missing }
        // Declaring what is there changes nothing, and the broker refuses it where it differs.
        do {
            try await publisher.declare(topology)
            return [.good("topology")]
        } catch {
            switch error {
            case .accessRefused:
                let why = "this user may not declare it, so its properties were not compared"
                return [.good("topology", "it stands; \(why)")]
            case .preconditionFailed(let name, let text): return [drifted(name, text)]
            default: throw error
            }
        }
    }

    /// Only what stands can be asked for.
    private func rights(_ publisher: AMQPPublisher) async throws -> [Finding] {
        var users: [BrokerRight: [String]] = [:]
        var order: [BrokerRight] = []
        for role in roles {
            for right in role.rights(lanes: settings.lanes.keys.sorted()) {
                if users[right] == nil { order.append(right) }
                users[right, default: []].append(role.rawValue)
            }
        }
        var findings: [Finding] = []
        for right in order {
            do {
                guard let refusal = try await publisher.refusal(of: right) else { continue }
                let needed = users[right, default: []].joined(separator: ", ")
                findings.append(denied("the permission '\(right.permission)', needed as \(needed)", refusal))
            } catch {
                // What is missing is told of as that.
                guard case .notFound = error else { throw error }
            }
        }
        let names = roles.map(\.rawValue).joined(separator: ", ")
        return findings.isEmpty ? [.good("permissions", "enough for \(names)")] : findings
    }

    /// Asks with a queue that ends with this connection, or the advice to apply the topology would lead nowhere.
    private func mayConfigure(_ publisher: AMQPPublisher) async throws -> [Finding]? {
        let name = "moose.doctor.\(UUID())"
        let queue = Topology.QueueDeclaration(name: name, durable: false, exclusive: true, autoDelete: true)
        let declareAndDelete = {
            try await publisher.declare(Topology(queues: [queue]))
            try await publisher.deleteQueue(name)
        }
        do {
            try await declareAndDelete()
            return nil
        } catch AMQPError.accessRefused(let refusal) {
            return [denied("the permission 'configure', needed for what is missing", refusal)]
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

extension BrokerRight {
    /// As the broker calls it.
    fileprivate var permission: String {
        switch self {
        case .write: "write"
        case .read: "read"
        }
    }
}
