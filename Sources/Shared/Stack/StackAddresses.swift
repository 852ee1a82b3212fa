/// Where a started private stack is reached. Everything listens on the loopback address only.
package struct StackAddresses: Sendable, Equatable, CustomStringConvertible {
    /// `amqp://…` with user, password and virtual host.
    package let amqpURL: String
    /// `postgresql://…` with user, password and database.
    package let databaseURL: String
    /// Always the IPv4 loopback address.
    package let host: String
    package let amqpPort: Int
    package let databasePort: Int
    /// The process of each server, for failure tests and `ps`.
    package let brokerPID: Int32
    package let databasePID: Int32

    /// Safe to log: holds no password.
    package var description: String {
        "RabbitMQ on \(host):\(amqpPort) (pid \(brokerPID)), PostgreSQL on \(host):\(databasePort) (pid \(databasePID))"
    }
}
