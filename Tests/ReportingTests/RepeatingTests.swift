import Logging
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Reporting

/// The loop of everything that is done again and again.
struct RepeatingTests {
    private struct Trouble: Error {}

    private static func reporter() -> Reporter {
        Reporter(component: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func `a time that fails is told of, and the next comes all the same`() async throws {
        let reporter = Self.reporter()
        let times = Mutex(0)
        let running = Task {
            let repeating = Repeating(
                "look", every: .seconds(3600), startsAtOnce: true, afterFailure: .milliseconds(1),
                problem: "nobody looked", reporter: reporter)
            await repeating.run {
                let time = times.withLock {
                    $0 += 1
                    return $0
                }
                if time < 3 { throw Trouble() }
            }
        }
        try await eventually("it went on") { times.withLock { $0 } == 3 }
        running.cancel()
        await running.value
        let told = reporter.take(10)
        #expect(told.map(\.operation) == ["look"], "equal failures are one event")
        #expect(told.first?.message.hasPrefix("nobody looked: ") == true)
    }

    @Test(arguments: [false, true]) func `nothing is done before the first pause, unless it starts at once`(
        startsAtOnce: Bool
    ) async throws {
        let reporter = Self.reporter()
        let pause = Duration.milliseconds(startsAtOnce ? 3_600_000 : 50)
        let (done, first) = AsyncStream<Void>.makeStream()
        let began = ContinuousClock.now
        let running = Task {
            let repeating = Repeating(
                "look", every: pause, startsAtOnce: startsAtOnce, problem: "nobody looked", reporter: reporter)
            await repeating.run { first.finish() }
        }
        for await _ in done {}
        #expect(startsAtOnce || .now - began >= pause, "never sooner than asked for")
        running.cancel()
        await running.value
    }

    @Test func `whoever is stopped in the middle has nothing to tell of`() async throws {
        let reporter = Self.reporter()
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let running = Task {
            await Repeating("look", every: .seconds(1), startsAtOnce: true, problem: "", reporter: reporter).run {
                begin.finish()
                try await Task.sleep(for: .seconds(3600))
            }
        }
        for await _ in begun {}
        running.cancel()
        await running.value
        #expect(reporter.take(10).isEmpty)
    }

    @Test func `a body may ask to be called again sooner`() async throws {
        let reporter = Self.reporter()
        let times = Mutex(0)
        let running = Task {
            await Repeating("look", every: .seconds(3600), startsAtOnce: true, problem: "", reporter: reporter).runPaced
            {
                times.withLock {
                    $0 += 1
                    return $0 < 3 ? .milliseconds(1) : nil
                }
            }
        }
        try await eventually("it was called again twice") { times.withLock { $0 } == 3 }
        running.cancel()
        await running.value
    }
}
