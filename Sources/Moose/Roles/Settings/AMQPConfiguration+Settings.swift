internal import AMQP
internal import Settings

extension AMQPConfiguration {
    /// The broker of the settings, with their limit of a message's size.
    ///
    /// Orders, redrives and moves are held to that limit where they are read. What the relay publishes may be larger, as an
    /// answer with a result of 1 MiB is, so that the publisher itself allows no less than it does by default.
    init(_ settings: Settings) throws(AMQPError) {
        try self.init(url: settings.broker.url)
        maxReceivedBytes = settings.defaults.maxMessageBytes
        maxMessageBytes = max(maxMessageBytes, settings.defaults.maxMessageBytes)
    }
}
