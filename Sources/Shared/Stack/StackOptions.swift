/// What a private stack may be told. The defaults suit a developer's machine.
package struct StackOptions: Sendable, Equatable {
    /// How long a consumer may hold a delivery unacknowledged before the broker closes its channel.
    /// nil keeps the broker's own default (30 minutes).
    package var consumerTimeout: Duration?
    /// How often the broker looks for such consumers. nil keeps the broker's own default (60 seconds).
    package var channelTickInterval: Duration?
    /// How long each server may take until it answers. Default 60 seconds; 6 are usual.
    package var startTimeout: Duration

    package init(
        consumerTimeout: Duration? = nil,
        channelTickInterval: Duration? = nil,
        startTimeout: Duration = .seconds(60)
    ) {
        self.consumerTimeout = consumerTimeout
        self.channelTickInterval = channelTickInterval
        self.startTimeout = startTimeout
    }
}
