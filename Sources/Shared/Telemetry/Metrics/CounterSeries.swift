import CoreMetrics
import Synchronization

/// A number that only grows, by whole steps.
final class CounterSeries: CounterHandler, Series {
    private let prefix: [UInt8]
    private let value = Atomic<Int64>(0)

    init(name: String, labels: [(name: String, value: String)]) {
        prefix = ExpositionText.prefix(name, labels)
    }

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        value.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        value.store(0, ordering: .relaxed)
    }

    func write(to text: inout ExpositionText) {
        text.line(prefix, value.load(ordering: .relaxed))
    }
}
