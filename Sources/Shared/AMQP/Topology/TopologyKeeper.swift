internal import Logging

/// Brings a topology onto each new session: declares it where the user may, and else looks whether it stands.
struct TopologyKeeper {
    private let topology: Topology?
    private let logger: Logger?
    /// The broker's words when it refused a declaration; later sessions don't ask again.
    private var refusal: String?
    private var isFirst = true

    init(_ topology: Topology?, logger: Logger?) {
        self.topology = topology
        self.logger = logger
    }

    /// - Throws: what keeps the first session from being useful; later ones only when they broke: a drift that came
    ///   meanwhile must not stop the use of what exists.
    mutating func prepare(_ session: Session) throws(AMQPError) {
        do throws(AMQPError) {
            try ensure(on: session)
            isFirst = false
        } catch {
            if isFirst || session.failure != nil { throw error }
            logger?.error("the topology could not be declared again", metadata: ["why": "\(error)"])
        }
    }

    /// Declares everything, or, without the right to, only what is missing.
    mutating func ensure(on session: Session) throws(AMQPError) {
        guard let topology else { return }
        if refusal == nil {
            do throws(AMQPError) {
                return try session.onTemporaryChannel { channel throws(AMQPError) in
                    try session.declare(topology, channel: channel)
                }
            } catch {
                guard case .accessRefused(let text) = error else { throw error }
                refusal = text
                logger?.info("the topology is not declared, only looked for", metadata: ["why": "\(text)"])
            }
        }
        for missing in try session.missingParts(of: topology) {
            do throws(AMQPError) {
                try session.onTemporaryChannel { channel throws(AMQPError) in
                    try session.declare(missing, channel: channel)
                }
            } catch {
                guard case .accessRefused(let text) = error else { throw error }
                let name = (missing.exchanges.map(\.name) + missing.queues.map(\.name)).first ?? ""
                throw .accessRefused("'\(name)' is missing, and: \(text)")
            }
        }
    }
}

extension Session {
    /// What isn't there, each with the bindings it needs, in the order of the topology. Looking takes no permission.
    fileprivate func missingParts(of topology: Topology) throws(AMQPError) -> [Topology] {
        var parts: [Topology] = []
        for exchange in topology.exchanges
        where try isMissing({ channel throws(AMQPError) in
            try findExchange(exchange.name, channel: channel)
        }) {
            let bindings = topology.bindings.filter { $0.exchange == exchange.name }
            parts.append(Topology(exchanges: [exchange], bindings: bindings))
        }
        for queue in topology.queues
        where try isMissing({ channel throws(AMQPError) in
            _ = try inspectQueue(queue.name, channel: channel)
        }) {
            parts.append(Topology(queues: [queue], bindings: topology.bindings.filter { $0.queue == queue.name }))
        }
        return parts
    }

    private func isMissing(_ look: (UInt16) throws(AMQPError) -> Void) throws(AMQPError) -> Bool {
        do throws(AMQPError) {
            try onTemporaryChannel(look)
            return false
        } catch {
            if let failure { throw failure }
            if case .notFound = error { return true }
            // It is there, only its node isn't.
            if case .channelClosed = error { return false }
            throw error
        }
    }
}
