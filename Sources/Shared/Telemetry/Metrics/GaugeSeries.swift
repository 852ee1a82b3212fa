import CoreMetrics

/// A number that goes up and down.
final class GaugeSeries: MeterHandler, RecorderHandler, Series {
    private let prefix: [UInt8]
    private let value = AtomicDouble()

    init(name: String, labels: [(name: String, value: String)]) {
        prefix = ExpositionText.prefix(name, labels)
    }

    func set(_ value: Int64) { self.value.set(Double(value)) }
    func set(_ value: Double) { self.value.set(value) }
    func record(_ value: Int64) { self.value.set(Double(value)) }
    func record(_ value: Double) { self.value.set(value) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }

    func write(to text: inout ExpositionText) {
        text.line(prefix, value.value)
    }
}
