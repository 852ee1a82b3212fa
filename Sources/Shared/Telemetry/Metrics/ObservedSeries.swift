/// A number that is asked for at each scrape.
final class ObservedSeries: Series {
    private let prefix: [UInt8]
    private let read: @Sendable () -> Double?

    init(name: String, labels: [(name: String, value: String)], read: @escaping @Sendable () -> Double?) {
        prefix = ExpositionText.prefix(name, labels)
        self.read = read
    }

    func write(to text: inout ExpositionText) {
        if let value = read() { text.line(prefix, value) }
    }
}
