import FoundationEssentials
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import IOThread
@testable import Worker

/// A time-out that is over costs nothing, however long it would have been.
struct DeadlinesTests {
    private static let start = ContinuousClock.now

    @Test func `deadlines come due in their order, whatever was taken out between`() {
        for seed in 0..<50 {
            var generator = SplitMix64(seed: UInt64(seed))
            var heap = DeadlineHeap()
            var known: [UInt64: Int] = [:]
            for number in UInt64(0)..<200 {
                let at = Int.random(in: 0..<100, using: &generator)
                heap.insert(number, at: Self.start + .seconds(at))
                known[number] = at
                if Bool.random(using: &generator), let victim = known.keys.sorted().randomElement(using: &generator) {
                    heap.remove(victim)
                    known[victim] = nil
                }
            }
            #expect(heap.count == known.count)
            var last = 0
            for second in stride(from: 0, through: 105, by: 7) {
                while let number = heap.takeDue(at: Self.start + .seconds(second)) {
                    let at = known.removeValue(forKey: number) ?? -1
                    #expect(at >= last && at <= second)
                    last = at
                }
                #expect(known.values.allSatisfy { $0 > second })
            }
            #expect(known.isEmpty && heap.count == 0 && heap.earliest == nil)
        }
    }

    @Test func `a sleep ends at its time or with its task, and leaves nothing behind`() async throws {
        let deadlines = Deadlines()
        let sleeper = Task { try await deadlines.sleep(for: .seconds(100_000)) }
        try await eventually("it sleeps") { deadlines.count == 1 }
        // A shorter one overtakes it.
        let before = ContinuousClock.now
        try await deadlines.sleep(for: .milliseconds(20))
        #expect(ContinuousClock.now - before >= .milliseconds(20))
        #expect(deadlines.count == 1)
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        #expect(deadlines.count == 0)
        let cancelled = Task {
            while !Task.isCancelled { await Task.yield() }
            try await deadlines.sleep(for: .seconds(100_000))
        }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(deadlines.count == 0)
    }

    @Test func `many sleeps that race with their cancels end once each`() async {
        let deadlines = Deadlines()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2000 {
                group.addTask {
                    let task = Task { try await deadlines.sleep(for: .microseconds(number % 300)) }
                    if number % 2 == 0 { task.cancel() }
                    _ = await task.result
                }
            }
        }
        #expect(deadlines.count == 0)
        #expect(deadlines.leftovers == 0)
    }

    @Test func `a command's time-out is kept by the deadlines while it runs, and forgotten when it has ended`()
        async throws
    {
        let bench = try CommandHandlerTestsBench()
        let far = ContinuousClock.now + .seconds(800_000)
        let job = CommandHandlerTestsBench.job(timeout: .seconds(900_000))
        let mark = bench.root + "/go-on"
        let running = Task {
            await bench.handler(
                CommandConfiguration(argv: ["/bin/sh", "-c", "until [ -e \(mark) ]; do sleep 0.01; done"])
            ).run(job)
        }
        try await eventually("it is kept") { Deadlines.shared.count(after: far) == 1 }
        #expect(FileManager.default.createFile(atPath: mark, contents: nil))
        _ = await running.value
        #expect(Deadlines.shared.count(after: far) == 0)
    }
}
