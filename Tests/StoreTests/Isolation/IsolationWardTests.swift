import Postgres
import TestSupport
import Testing

@testable import Store

@Suite struct `An isolation ward` {
    private static let start = ContinuousClock.now

    /// A database that takes some items and not others, and a clock that goes on only when nothing is due.
    private struct Run {
        var ward = IsolationWard<Int>()
        var now = start
        var passed: [Int] = []
        var aside: [Int] = []
        var tries = 0

        /// Tries what is due until nothing is left, or for so many tries.
        mutating func run(
            upTo limit: Int = 100_000, canaryPasses: Bool = true, othersPass: Bool = false,
            _ judge: (_ items: [Int], _ now: ContinuousClock.Instant) -> PostgresFault?
        ) {
            while let due = ward.nextDue, tries < limit {
                now = max(now, due)
                guard let piece = ward.take(at: now) else {
                    Issue.record("what is due can be taken")
                    return
                }
                tries += 1
                if othersPass { ward.othersPassed(1) }
                if let fault = judge(piece.items, now) {
                    let canary = ward.wantsCanary(piece, after: fault) && canaryPasses
                    if let guilty = ward.failed(piece, fault, canaryPassed: canary, at: now) { aside.append(guilty) }
                } else {
                    ward.passed(piece)
                    passed += piece.items
                }
            }
        }
    }

    @Test(arguments: 1...200)
    func `finds the bad items of any batch, and only those`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = Int.random(in: 1...300, using: &random)
        var bad: [Int: PostgresFault] = [:]
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let fault = [PostgresFault.item, .unclear, .contention].randomElement(using: &random) ?? .item
            bad[Int.random(in: 0..<count, using: &random)] = fault
        }
        var run = Run()
        let first = bad.isEmpty ? PostgresFault.contention : bad.values.randomElement(using: &random) ?? .item
        run.ward.admit(Array(0..<count), after: first, at: run.now)
        run.run(othersPass: true) { items, _ in items.compactMap { bad[$0] }.first }
        #expect(run.aside.sorted() == bad.keys.sorted())
        #expect(run.passed.sorted() == (0..<count).filter { bad[$0] == nil }, "each good one passes, once")
        #expect(run.ward.count == 0)
        // Halving costs two tries a level and a bad item, and then each is tried so often alone.
        let levels = Int.bitWidth - count.leadingZeroBitCount + 1
        #expect(run.tries <= 4 + (bad.count + 1) * (2 * levels + IsolationTerms().contentions + 2))
    }

    @Test(arguments: [PostgresFault.away, .starved])
    func `never charges a server's fault to the work`(_ fault: PostgresFault) {
        var run = Run()
        run.ward.admit(Array(0..<10), after: fault, at: run.now)
        run.run(upTo: 2000, othersPass: true) { _, _ in fault }
        #expect(run.aside.isEmpty)
        #expect(run.ward.count == 10)
        run.tries = 0
        run.run { _, _ in nil }
        #expect(run.passed.count == 10, "the server is back")
    }

    @Test func `what needs less passes where the server lacks room for one`() {
        var run = Run()
        run.ward.admit(Array(0..<64), after: .starved, at: run.now)
        run.run(upTo: 500) { items, _ in items.contains(7) ? .starved : nil }
        #expect(run.passed.count == 63)
        #expect(run.aside.isEmpty)
        #expect(run.ward.count == 1)
    }

    @Test func `without a word from others nothing is blamed for what may be the server's fault`() {
        var run = Run()
        run.ward.admit([1, 2, 3], after: .unclear, at: run.now)
        run.run(upTo: 1000, canaryPasses: false) { _, _ in .unclear }
        #expect(run.aside.isEmpty)
        run.tries = 0
        // The first that passes clears the server.
        run.run(upTo: 1000) { items, _ in items == [2] ? nil : .unclear }
        #expect(run.passed == [2])
        #expect(run.aside.sorted() == [1, 3])
    }

    @Test func `a canary's word puts one aside, and the next needs others that pass`() {
        var run = Run()
        run.ward.admit([1, 2, 3], after: .unclear, at: run.now)
        run.run(upTo: 1000) { _, _ in .unclear }
        #expect(run.aside.count == 1)
        #expect(run.ward.count == 2)
    }

    @Test func `where what is put aside is kept whole a canary's word is enough for all`() {
        var run = Run()
        var terms = IsolationTerms()
        terms.lonelyNeedsOthers = false
        run.ward = IsolationWard(terms)
        run.ward.admit([1, 2, 3], after: .unclear, at: run.now)
        run.run(upTo: 1000) { _, _ in .unclear }
        #expect(run.aside.count == 3)
    }

    @Test func `locks of others are waited for, and blamed only after long where others pass`() {
        var run = Run()
        run.ward.admit([1], after: .contention, at: run.now)
        run.run(upTo: 500) { _, _ in .contention }
        #expect(run.aside.isEmpty, "a lock on the table stops all alike")
        run.tries = 0
        run.run(upTo: 500, othersPass: true) { _, _ in .contention }
        #expect(run.aside == [1])
    }

    @Test func `waits longer after each failure, and not long for a server that comes back`() {
        var run = Run()
        run.ward.admit([1], after: .starved, at: run.now)
        var gaps: [Duration] = []
        var last = run.now
        run.run(upTo: 20) { _, now in
            gaps.append(now - last)
            last = now
            return .starved
        }
        #expect(gaps.first == .milliseconds(100))
        #expect(gaps == gaps.sorted())
        #expect(gaps.last == .seconds(15))
        var away = Run()
        away.ward.admit([1], after: .away, at: away.now)
        let before = away.now
        away.run(upTo: 20) { _, _ in .away }
        #expect(away.now - before <= .seconds(40), "two seconds at most between two tries")
    }

    @Test func `what is admitted alone is never tried with others`() {
        var run = Run()
        run.ward.admitAlone(Array(0..<20), at: run.now)
        run.run { items, _ in
            #expect(items.count == 1)
            return nil
        }
        #expect(run.passed.count == 20)
    }
}

@Suite struct `A progress watch` {
    private let start = ContinuousClock.now

    @Test func `is content while there is no work, however long`() {
        var watch = ProgressWatch(patience: .seconds(30))
        #expect(watch.trouble("x", at: start + .seconds(3600)) == nil)
        watch.waits(3, at: start)
        watch.waits(0, at: start + .seconds(1))
        #expect(watch.trouble("x", at: start + .seconds(3600)) == nil)
    }

    @Test func `says what waits, for how long and why`() {
        var watch = ProgressWatch(patience: .seconds(30))
        watch.waits(3, at: start)
        watch.failed("disk full")
        #expect(watch.trouble("events are not recorded", at: start + .seconds(30)) == nil)
        #expect(
            watch.trouble("events are not recorded", at: start + .seconds(31))
                == "events are not recorded: 3 for 31 s. disk full")
    }

    @Test func `starts anew with each that goes through, not with each that comes`() {
        var watch = ProgressWatch(patience: .seconds(30))
        watch.waits(3, at: start)
        watch.waits(9, at: start + .seconds(20))
        #expect(watch.trouble("x", at: start + .seconds(31)) != nil)
        watch.progressed(at: start + .seconds(32))
        #expect(watch.trouble("x", at: start + .seconds(60)) == nil)
        #expect(watch.trouble("x", at: start + .seconds(63)) != nil)
    }
}
