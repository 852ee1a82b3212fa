/// When a group of worker processes grows and shrinks.
package struct AutoscaleTerms: Sendable, Equatable {
    /// How many processes there are at least and at most; the lower bound is at least 1.
    package var bounds: ClosedRange<Int>
    /// How often the figures are looked at. Default 1 s.
    package var interval: Duration = .seconds(1)
    /// How old the backlog must be before busy processes get help. Default 1 s.
    package var growAfter: Duration = .seconds(1)
    /// The least time between a change and the next growth. Default 3 s.
    package var growCooldown: Duration = .seconds(3)
    /// How long one process fewer must have been enough before one is drained, and the time between two drains.
    /// Default 30 s.
    package var shrinkAfter: Duration = .seconds(30)

    package init(bounds: ClosedRange<Int>) { self.bounds = bounds }
}
