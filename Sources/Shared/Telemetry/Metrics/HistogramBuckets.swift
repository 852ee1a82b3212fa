/// The upper bounds of histograms.
enum HistogramBuckets {
    /// Seconds, from half a millisecond (one statement) to an hour (one job), about three bounds a decade.
    static let seconds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600,
    ]

    /// Counts and sizes, in powers of four from 1 to 67 million.
    static let amounts: [Double] = (0...13).map { Double(1 << (2 * $0)) }
}
