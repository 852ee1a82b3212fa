import CoreMetrics

/// A number that only grows, by any step.
final class FractionalCounterSeries: FloatingPointCounterHandler, Series {
    private let prefix: [UInt8]
    private let value = AtomicDouble()

    init(name: String, labels: [(name: String, value: String)]) {
        prefix = ExpositionText.prefix(name, labels)
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        value.add(amount)
    }

    func reset() {
        value.set(0)
    }

    func write(to text: inout ExpositionText) {
        text.line(prefix, value.value)
    }
}
