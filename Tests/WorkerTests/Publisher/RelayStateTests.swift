import Store
import Testing

@testable import Publisher

@Suite struct `The relay's bookkeeping` {
    private let start = ContinuousClock.now

    @Test func `sends one by one where nothing got through again and again`() {
        var state = RelayState()
        for times in 1...4 {
            #expect(!state.isStuck("a"), "after \(times - 1)")
            state.begin(["a": 5, "b": 1], at: start)
            state.end("a", RelaySettlement(), trouble: "no", at: start)
            state.end("b", RelaySettlement(), trouble: nil, at: start)
        }
        #expect(state.isStuck("a"))
        #expect(!state.isStuck("b"))
        state.end("a", RelaySettlement(), trouble: nil, at: start)
        #expect(!state.isStuck("a"))
    }

    @Test func `is in trouble when what is due does not get out, or can't be read, and not when nothing is due`() {
        var state = RelayState()
        func trouble(after seconds: Int) -> String? { state.progress.trouble("x", at: start + .seconds(seconds)) }
        state.begin([:], at: start)
        #expect(trouble(after: 3600) == nil)
        state.begin(["a": 5], at: start)
        state.end("a", RelaySettlement(), trouble: "no queue", at: start + .seconds(10))
        #expect(trouble(after: 29) == nil)
        #expect(trouble(after: 31) == "x: 1 for 31 s. no queue")
        state.end("a", RelaySettlement(), trouble: nil, at: start + .seconds(32))
        #expect(trouble(after: 3600) == nil)
        state.unreadable(because: "disk full", at: start)
        state.unreadable(because: "disk full", at: start + .seconds(20))
        #expect(trouble(after: 31)?.contains("disk full") ?? false)
        state.begin([:], at: start + .seconds(32))
        #expect(trouble(after: 3600) == nil)
    }
}
