internal import Settings
internal import Store

extension KindLimits {
    /// What moose.yaml says of a kind; nil where it sets no limit.
    init?(_ flow: FlowSettings) {
        guard flow != FlowSettings() else { return nil }
        self.init(
            concurrency: flow.concurrency, rate: flow.rate.map { Rate(count: $0.count, seconds: $0.seconds) },
            keyConcurrency: flow.keyConcurrency)
    }
}
