/// Where RabbitMQ is.
package struct BrokerSettings: Sendable, Equatable {
    /// `amqp://user:password@host:port/vhost`, or `amqps` for TLS; the hosts of a cluster are separated by commas, the
    /// vhost `/` is written `%2F`.
    /// Default `amqp://guest:guest@127.0.0.1:5672/%2F`. Key `amqp_url`, overridden by `MOOSE_AMQP_URL`. Holds a
    /// password.
    package var url = "amqp://guest:guest@127.0.0.1:5672/%2F"

    /// The URL with its password hidden, for logs and errors.
    package var redactedURL: String { ConnectionURL.redacted(url) }

    /// The defaults.
    package init() {}
}

extension BrokerSettings {
    /// The keys of the file's root that belong here.
    static let keys = ["amqp_url"]
    static let urlVariable = "MOOSE_AMQP_URL"

    /// Takes what the file's root says; what is missing or, with a mistake noted, wrong keeps its value.
    mutating func read(_ root: Section) {
        url = root["amqp_url"]?.url(to: .broker) ?? url
    }

    mutating func read(_ variables: Variables) {
        url = variables.url(Self.urlVariable, to: .broker) ?? url
    }

    /// What is shown of it at the root.
    var entries: [(key: String, value: ShownValue)] {
        [("amqp_url", .text(redactedURL))]
    }
}
