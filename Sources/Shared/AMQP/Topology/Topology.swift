/// Exchanges, queues and bindings, declared in that order; within each list the order is kept, so put the
/// dead-letter queue before the queues that dead-letter into it.
package struct Topology: Sendable, Equatable {
    /// One exchange.
    package struct ExchangeDeclaration: Sendable, Equatable {
        package var name: String
        /// `topic`, `fanout`, `direct` or `headers`.
        package var kind: String
        /// Survives a restart of the broker. Default true.
        package var durable: Bool
        package var arguments: FieldTable

        package init(name: String, kind: String, durable: Bool = true, arguments: FieldTable = [:]) {
            self.name = name
            self.kind = kind
            self.durable = durable
            self.arguments = arguments
        }
    }

    /// One queue.
    package struct QueueDeclaration: Sendable, Equatable {
        package var name: String
        /// Survives a restart of the broker. Default true.
        package var durable: Bool
        package var arguments: FieldTable
        /// Belongs to this connection and ends with it. Default false.
        package var exclusive: Bool
        /// Deleted with its last consumer. Default false.
        package var autoDelete: Bool

        package init(
            name: String, durable: Bool = true, arguments: FieldTable = [:], exclusive: Bool = false,
            autoDelete: Bool = false
        ) {
            self.name = name
            self.durable = durable
            self.arguments = arguments
            self.exclusive = exclusive
            self.autoDelete = autoDelete
        }
    }

    /// One binding of a queue to an exchange.
    package struct Binding: Sendable, Equatable {
        package var exchange: String
        package var queue: String
        package var routingKey: String

        package init(exchange: String, queue: String, routingKey: String = "") {
            self.exchange = exchange
            self.queue = queue
            self.routingKey = routingKey
        }
    }

    package var exchanges: [ExchangeDeclaration]
    package var queues: [QueueDeclaration]
    package var bindings: [Binding]

    package init(
        exchanges: [ExchangeDeclaration] = [], queues: [QueueDeclaration] = [], bindings: [Binding] = []
    ) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
    }
}
