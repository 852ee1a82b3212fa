/// Where RabbitMQ is.
package struct BrokerSettings: Sendable, Equatable {
    /// `amqp://user:password@host:port/vhost`, or `amqps` for TLS; the hosts of a cluster are separated by commas, the vhost
    /// `/` is written `%2F`.
    /// Default `amqp://guest:guest@127.0.0.1:5672/%2F`. Key `amqp_url`, overridden by `MOOSE_AMQP_URL`. Holds a password.
    package var url = "amqp://guest:guest@127.0.0.1:5672/%2F"

    /// The URL with its password hidden, for logs and errors.
    package var redactedURL: String { ConnectionURL.redacted(url) }

    /// The defaults.
    package init() {}
}
