import TestSupport
import Testing

@testable import AMQP

@Suite struct ConfirmWindowTests {
    private func settled(_ window: inout ConfirmWindow<Int>, _ sequence: UInt64, multiple: Bool) -> [Int] {
        var elements: [Int] = []
        window.settle(sequence, multiple: multiple) { elements.append($0) }
        return elements
    }

    @Test func `one answer for many settles all before it in order`() {
        var window = ConfirmWindow<Int>()
        for number in 1...5 { window.append(number) }
        #expect(settled(&window, 2, multiple: false) == [2])
        #expect(settled(&window, 4, multiple: true) == [1, 3, 4])
        #expect(window.outstanding == [5])
    }

    @Test func `a late or unknown answer changes nothing`() {
        var window = ConfirmWindow<Int>()
        window.append(1)
        window.append(2)
        #expect(settled(&window, 1, multiple: false) == [1])
        #expect(settled(&window, 1, multiple: false) == [])
        #expect(settled(&window, 9, multiple: false) == [])
        #expect(settled(&window, 1, multiple: true) == [])
        #expect(window.count == 1)
    }

    @Test func `sequence zero for many means everything`() {
        var window = ConfirmWindow<Int>()
        window.append(1)
        window.append(2)
        #expect(settled(&window, 0, multiple: true) == [1, 2])
        #expect(window.count == 0)
    }

    @Test func `a new channel counts from one again`() {
        var window = ConfirmWindow<Int>()
        for number in 1...3 { window.append(number) }
        _ = settled(&window, 2, multiple: false)
        #expect(window.reset() == [1, 3])
        window.append(10)
        #expect(settled(&window, 1, multiple: false) == [10])
    }

    @Test(arguments: 1...20) func `it agrees with a naive model`(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        var window = ConfirmWindow<Int>()
        var model: [UInt64: Int] = [:]
        var sent: UInt64 = 0
        for step in 0..<6000 {
            if Bool.random(using: &generator) {
                sent += 1
                window.append(step)
                model[sent] = step
            } else {
                let sequence = UInt64.random(in: 1...(sent + 2), using: &generator)
                let multiple = Int.random(in: 0..<10, using: &generator) == 0
                let expected = model.filter { multiple ? $0.key <= sequence : $0.key == sequence }
                for key in expected.keys { model[key] = nil }
                let answered = settled(&window, sequence, multiple: multiple)
                try #require(answered == expected.values.sorted())
            }
            try #require(window.count == model.count)
        }
        #expect(window.outstanding == model.values.sorted())
    }
}
