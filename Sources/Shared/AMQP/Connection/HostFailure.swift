/// Why one host of the broker could not be used.
package struct HostFailure: Sendable, Equatable, CustomStringConvertible {
    package let address: BrokerAddress
    package let reason: String
    /// What to do about it; nil: see whether RabbitMQ runs there at all.
    package let advice: String?

    package init(_ address: BrokerAddress, _ reason: String, advice: String? = nil) {
        self.address = address
        self.reason = reason
        self.advice = advice
    }

    /// `host:port: reason. advice`
    package var description: String { "\(address): \(reason)\(advice.map { ". \($0)" } ?? "")" }
}
