import Store
import Testing

@testable import ClientManager

struct ServerWatchTests {
    private let start = ContinuousClock.now

    private func holder(_ name: String, age: Duration? = nil) -> ServerFacts.Holder { .init(name: name, age: age) }

    @Test func `who is seen twice, a minute apart, has kept others waiting for a minute`() {
        var seen = BlockerSightings()
        func look(_ holders: [ServerFacts.Holder], after seconds: Int) -> [String] {
            seen.longer(than: .seconds(60), holders, at: start + .seconds(seconds))
                .map { "\($0.details["who"] ?? "") \($0.details["seconds"] ?? "")" }
        }
        #expect(look([holder("a")], after: 0) == [])
        #expect(look([holder("a"), holder("b")], after: 59) == [])
        #expect(look([holder("a"), holder("b")], after: 60) == ["a 60"])
        #expect(look([holder("b")], after: 90) == [])
        #expect(look([holder("a"), holder("b")], after: 120) == ["b 61"], "a was away in between")
    }

    @Test func `an age that is known needs no second look`() {
        var seen = BlockerSightings()
        let holders = [holder("a", age: .seconds(61)), holder("b", age: .seconds(59))]
        let found = seen.longer(than: .seconds(60), holders, at: start)
        #expect(found.map { $0.details["who"] } == ["a"])
        #expect(found.first?.weight == .warning)
    }
}
