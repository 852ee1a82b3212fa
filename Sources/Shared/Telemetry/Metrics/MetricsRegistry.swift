package import CoreMetrics
import Synchronization

/// The metrics of one process: the backend of swift-metrics, and what `/metrics` prints.
///
/// The same name with the same labels is always the same series. A name that is already used for another type of
/// metric, or that has reached ``seriesLimit``, gets a series that counts but isn't printed: metrics never stop work.
package final class MetricsRegistry: MetricsFactory {
    /// The largest number of label combinations a name may have. Labels with values from outside would otherwise grow
    /// the memory without end.
    package static let seriesLimit = 1_000

    private enum Kind: String {
        case counter, gauge, histogram
    }

    private struct Family {
        let kind: Kind
        let help: String
        var series: [String: any Series] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    /// An empty registry.
    package init() {}

    /// Makes this the backend of every metric of the process, and adds the metrics of the process itself. Call once:
    /// swift-metrics traps on a second call.
    package func bootstrap() {
        ProcessMetrics.register(in: self)
        MetricsSystem.bootstrap(self)
    }

    /// All metrics in the Prometheus text format 0.0.4, sorted by name.
    package func render() -> [UInt8] {
        // The series are read outside the lock: an observed one may itself make metrics.
        let families = families.withLock { $0 }
        var text = ExpositionText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            text.header(name: name, help: family.help, type: family.kind.rawValue)
            for (_, series) in family.series.sorted(by: { $0.key < $1.key }) { series.write(to: &text) }
        }
        return text.bytes
    }

    /// Prints a gauge whose value is asked for at each scrape; nil leaves it out of that scrape.
    package func observe(
        _ name: MetricName,
        dimensions: [(String, String)] = [],
        _ read: @escaping @Sendable () -> Double?
    ) {
        _ = series(name.rawValue, dimensions, .gauge) { ObservedSeries(name: $0, labels: $1, read: read) }
    }

    /// Prints a counter that is kept elsewhere, or a gauge; asked for at each scrape.
    func observe(_ name: MetricName, isCounter: Bool, _ read: @escaping @Sendable () -> Double?) {
        observe(name.rawValue, help: name.help, isCounter: isCounter, read)
    }

    /// Prints a number of the process, asked for at each scrape.
    func observe(_ name: String, help: String, isCounter: Bool, _ read: @escaping @Sendable () -> Double?) {
        _ = series(name, [], isCounter ? .counter : .gauge, help: help) {
            ObservedSeries(name: $0, labels: $1, read: read)
        }
    }

    // MARK: - MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { CounterSeries(name: $0, labels: $1) }
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter) { FractionalCounterSeries(name: $0, labels: $1) }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { GaugeSeries(name: $0, labels: $1) }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return series(label, dimensions, .gauge) { GaugeSeries(name: $0, labels: $1) } }
        return series(label, dimensions, .histogram) {
            HistogramSeries(name: $0, labels: $1, bounds: HistogramBuckets.amounts)
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram) {
            HistogramSeries(name: $0, labels: $1, bounds: HistogramBuckets.seconds)
        }
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func remove(_ handler: AnyObject) {
        families.withLock { families in
            for (name, family) in families {
                guard let key = family.series.first(where: { $0.value === handler })?.key else { continue }
                families[name]?.series[key] = nil
            }
        }
    }

    /// The series of that name and those labels, made when there is none.
    private func series<S: Series>(
        _ label: String,
        _ dimensions: [(String, String)],
        _ kind: Kind,
        help: String? = nil,
        make: (String, [(name: String, value: String)]) -> S
    ) -> S {
        let name = ExpositionText.validName(label, allowsColon: true)
        let labels = Self.labels(dimensions, kind: kind)
        let key = labels.map { "\($0.name)=\($0.value)" }.joined(separator: "\u{0}")
        let known = help ?? MetricName(rawValue: name)?.help ?? label
        return families.withLock { families in
            var family = families[name] ?? Family(kind: kind, help: known)
            if family.kind == kind, let series = family.series[key] as? S { return series }
            let series = make(name, labels)
            let isPrinted = family.kind == kind && family.series[key] == nil && family.series.count < Self.seriesLimit
            if isPrinted {
                family.series[key] = series
                families[name] = family
            }
            return series
        }
    }

    /// The labels with valid names, sorted, each name once.
    private static func labels(_ dimensions: [(String, String)], kind: Kind) -> [(name: String, value: String)] {
        var values: [String: String] = [:]
        for (name, value) in dimensions {
            let valid = ExpositionText.validName(name, allowsColon: false)
            values[valid == "le" && kind == .histogram ? "exported_le" : valid] = value
        }
        return values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }
}
