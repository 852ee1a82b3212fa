import CoreMetrics
import Synchronization

/// How often values fell between the bounds.
///
/// Recording finds its bucket and adds to that one counter; the sums over the lower buckets, which the format wants,
/// are made at the scrape.
final class HistogramSeries: TimerHandler, RecorderHandler, Series {
    /// An atomic has no copies, so an array can't hold it: this box can be held.
    private final class Bucket: Sendable {
        let count = Atomic<UInt64>(0)
    }

    private let bounds: [Double]
    private let buckets: [Bucket]
    private let bucketPrefixes: [[UInt8]]
    private let sumPrefix: [UInt8]
    private let countPrefix: [UInt8]
    private let sum = AtomicDouble()

    init(name: String, labels: [(name: String, value: String)], bounds: [Double]) {
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Bucket() }
        bucketPrefixes = (bounds + [.infinity]).map { bound in
            ExpositionText.prefix("\(name)_bucket", labels + [("le", ExpositionText.number(bound))])
        }
        sumPrefix = ExpositionText.prefix("\(name)_sum", labels)
        countPrefix = ExpositionText.prefix("\(name)_count", labels)
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(max(0, duration)) / 1e9)
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        buckets[index(of: value)].count.wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    func write(to text: inout ExpositionText) {
        var total: UInt64 = 0
        for (bucket, prefix) in zip(buckets, bucketPrefixes) {
            total &+= bucket.count.load(ordering: .relaxed)
            text.line(prefix, Int64(clamping: total))
        }
        text.line(sumPrefix, sum.value)
        text.line(countPrefix, Int64(clamping: total))
    }

    /// The first bucket whose bound isn't below the value.
    private func index(of value: Double) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
