package import CoreMetrics

extension Counter {
    /// A counter of Moose's list.
    package convenience init(_ name: MetricName, dimensions: [(String, String)] = []) {
        self.init(label: name.rawValue, dimensions: dimensions)
    }
}

extension Meter {
    /// A gauge of Moose's list.
    package convenience init(_ name: MetricName, dimensions: [(String, String)] = []) {
        self.init(label: name.rawValue, dimensions: dimensions)
    }
}

extension Timer {
    /// A histogram of durations of Moose's list.
    package convenience init(_ name: MetricName, dimensions: [(String, String)] = []) {
        self.init(label: name.rawValue, dimensions: dimensions)
    }

    /// Records a duration.
    package func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        recordNanoseconds(
            seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue + attoseconds / 1_000_000_000
        )
    }
}
