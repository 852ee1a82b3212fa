import CoreMetrics
import Testing

@testable import Telemetry

@Suite struct MetricsTests {
    private func text(_ registry: MetricsRegistry) -> String {
        String(decoding: registry.render(), as: UTF8.self)
    }

    @Test func `a counter prints its help, its type and one line a label value`() {
        let registry = MetricsRegistry()
        Counter(label: "moose_claims_total", dimensions: [("verdict", "run")], factory: registry).increment(by: 3)
        Counter(label: "moose_claims_total", dimensions: [("verdict", "held")], factory: registry).increment()
        #expect(
            text(registry) == """
                # HELP moose_claims_total Work orders this process tried to claim, by verdict.
                # TYPE moose_claims_total counter
                moose_claims_total{verdict="held"} 1
                moose_claims_total{verdict="run"} 3

                """
        )
    }

    @Test func `a histogram cumulates its buckets at the scrape`() {
        let registry = MetricsRegistry()
        let timer = Timer(label: "moose_claim_seconds", factory: registry)
        timer.record(.milliseconds(1))
        timer.record(.microseconds(1_001))
        timer.record(.seconds(7_200))
        timer.recordNanoseconds(-5)
        let printed = text(registry)
        #expect(printed.contains("# TYPE moose_claim_seconds histogram\n"))
        #expect(printed.contains("moose_claim_seconds_bucket{le=\"0.0005\"} 1\n"))
        #expect(printed.contains("moose_claim_seconds_bucket{le=\"0.001\"} 2\n"))
        #expect(printed.contains("moose_claim_seconds_bucket{le=\"0.0025\"} 3\n"))
        #expect(printed.contains("moose_claim_seconds_bucket{le=\"3600\"} 3\n"))
        #expect(printed.contains("moose_claim_seconds_bucket{le=\"+Inf\"} 4\n"))
        #expect(printed.contains("moose_claim_seconds_count 4\n"))
        #expect(printed.contains("moose_claim_seconds_sum 7200.002001\n"))
    }

    @Test func `a gauge goes both ways and an observed one is asked at each scrape`() {
        let registry = MetricsRegistry()
        let meter = Meter(label: "moose_slots", dimensions: [("state", "busy")], factory: registry)
        meter.set(4)
        meter.decrement(by: 1.5)
        registry.observe(.outboxLag) { 0.25 }
        registry.observe(.lastFrameAge) { nil }
        let printed = text(registry)
        #expect(printed.contains("moose_slots{state=\"busy\"} 2.5\n"))
        #expect(printed.contains("moose_outbox_lag_seconds 0.25\n"))
        #expect(!printed.contains("moose_last_frame_age_seconds 0"))
    }

    @Test func `names and label values from outside can't break the text`() {
        let registry = MetricsRegistry()
        let dimensions = [("kind-of", "a\"b\\c\nd"), ("1st", "é")]
        Counter(label: "9 odd.name", dimensions: dimensions, factory: registry).increment()
        #expect(text(registry).contains("_9_odd_name{_1st=\"é\",kind_of=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func `the same name and labels are one series in any order of the labels`() {
        let registry = MetricsRegistry()
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        #expect(text(registry).contains("c{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test func `a name used for two types keeps the first`() {
        let registry = MetricsRegistry()
        Counter(label: "twice", factory: registry).increment()
        Meter(label: "twice", factory: registry).set(9)
        #expect(text(registry) == "# HELP twice twice\n# TYPE twice counter\ntwice 1\n")
    }

    @Test func `labels without end don't fill the memory`() {
        let registry = MetricsRegistry()
        for number in 0..<(MetricsRegistry.seriesLimit + 50) {
            Counter(label: "many", dimensions: [("n", "\(number)")], factory: registry).increment()
        }
        #expect(text(registry).split(separator: "\n").count == MetricsRegistry.seriesLimit + 2)
    }

    @Test func `a destroyed metric is no longer printed`() {
        let registry = MetricsRegistry()
        let counter = Counter(label: "gone", factory: registry)
        counter.destroy()
        #expect(text(registry).isEmpty)
    }

    @Test func `counting from many tasks loses nothing`() async {
        let registry = MetricsRegistry()
        let counter = Counter(label: "hits", factory: registry)
        let fractional = FloatingPointCounter(label: "cost", factory: registry)
        await withDiscardingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1_000 {
                        counter.increment()
                        fractional.increment(by: 0.5)
                    }
                }
            }
        }
        #expect(text(registry).contains("hits 8000\n"))
        #expect(text(registry).contains("cost 4000\n"))
    }

    @Test func `the process reports on itself`() throws {
        let registry = MetricsRegistry()
        ProcessMetrics.register(in: registry)
        let printed = text(registry)
        for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds", "start_time_seconds"] {
            #expect(printed.contains("\nprocess_\(name) "), "\(name)")
        }
        #expect(try #require(ProcessMetrics.residentBytes()) > 1_000_000)
        let start = try #require(ProcessMetrics.startTime())
        #expect(start > 1_600_000_000 && start <= Double(Timestamp.now.seconds) + 2)
    }

    @Test func `every name has a help text and follows the conventions`() {
        for name in MetricName.allCases {
            #expect(name.rawValue.hasPrefix("moose_"))
            #expect(!name.help.isEmpty)
        }
    }
}
