internal import Settings
internal import Worker

extension AutoscaleTerms {
    /// What moose.yaml says of growing and shrinking.
    init(_ settings: AutoscaleSettings, bounds: ClosedRange<Int>) {
        self.init(bounds: bounds)
        interval = settings.interval
        growAfter = settings.growAfter
        growCooldown = settings.growCooldown
        shrinkAfter = settings.shrinkAfter
    }
}
