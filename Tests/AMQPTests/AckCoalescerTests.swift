import TestSupport
import Testing

@testable import AMQP

@Suite struct AckCoalescerTests {
    private typealias Ack = AckCoalescer.Acknowledgement

    private func coalescer(delivered tags: ClosedRange<UInt64>) -> AckCoalescer {
        var coalescer = AckCoalescer()
        for tag in tags { coalescer.delivered(tag) }
        return coalescer
    }

    @Test func `a run without gaps becomes one acknowledgement`() {
        var coalescer = coalescer(delivered: 1...5)
        for tag: UInt64 in [3, 1, 2] { coalescer.acknowledge(tag) }
        let answers1 = coalescer.drain()
        #expect(answers1 == [Ack(tag: 3, multiple: true)])
        let answers2 = coalescer.drain()
        #expect(answers2 == [])
    }

    @Test func `behind a gap each is acknowledged by itself`() {
        var coalescer = coalescer(delivered: 1...5)
        for tag: UInt64 in [1, 3, 5] { coalescer.acknowledge(tag) }
        let answers3 = coalescer.drain()
        #expect(answers3 == [Ack(tag: 1, multiple: false), Ack(tag: 3, multiple: false), Ack(tag: 5, multiple: false)])
        coalescer.acknowledge(2)
        let answers4 = coalescer.drain()
        #expect(answers4 == [Ack(tag: 2, multiple: false)])
        coalescer.acknowledge(4)
        let answers5 = coalescer.drain()
        #expect(answers5 == [Ack(tag: 4, multiple: false)])
    }

    @Test func `a second acknowledgement and an unknown tag are ignored`() {
        var coalescer = coalescer(delivered: 1...2)
        let isTaken6 = coalescer.acknowledge(1)
        #expect(isTaken6)
        let isTaken7 = coalescer.acknowledge(1)
        #expect(!isTaken7)
        let isTaken8 = coalescer.acknowledge(7)
        #expect(!isTaken8)
        let answers9 = coalescer.drain()
        #expect(answers9 == [Ack(tag: 1, multiple: false)])
    }

    @Test func `a rejected delivery is never named again`() {
        var coalescer = coalescer(delivered: 1...3)
        let isTaken10 = coalescer.reject(3)
        #expect(isTaken10)
        let isTaken11 = coalescer.acknowledge(3)
        #expect(!isTaken11)
        coalescer.acknowledge(1)
        coalescer.acknowledge(2)
        let answers12 = coalescer.drain()
        #expect(answers12 == [Ack(tag: 2, multiple: true)])
        #expect(coalescer.outstanding == 0)
    }

    @Test(arguments: 1...20) func `the broker settles exactly what was acknowledged`(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        var coalescer = AckCoalescer()
        var atBroker: Set<UInt64> = []
        var acknowledged: Set<UInt64> = []
        var next: UInt64 = 1
        for _ in 0..<4000 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<5:
                coalescer.delivered(next)
                atBroker.insert(next)
                next += 1
            case 5..<8:
                let tag = UInt64.random(in: 1...next, using: &generator)
                let isOpen = atBroker.contains(tag) && !acknowledged.contains(tag)
                let isTaken13 = coalescer.acknowledge(tag)
                try #require(isTaken13 == isOpen)
                if isOpen { acknowledged.insert(tag) }
            case 8:
                let tag = UInt64.random(in: 1...next, using: &generator)
                let isOpen = atBroker.contains(tag) && !acknowledged.contains(tag)
                let isTaken14 = coalescer.reject(tag)
                try #require(isTaken14 == isOpen)
                if isOpen { atBroker.remove(tag) }
            default:
                for answer in coalescer.drain() {
                    // RabbitMQ closes the channel over a tag that it doesn't hold.
                    try #require(atBroker.contains(answer.tag))
                    let covered = atBroker.filter { answer.multiple ? $0 <= answer.tag : $0 == answer.tag }
                    try #require(covered.isSubset(of: acknowledged))
                    atBroker.subtract(covered)
                    acknowledged.subtract(covered)
                }
                try #require(acknowledged.isEmpty)
            }
            try #require(coalescer.outstanding == atBroker.subtracting(acknowledged).count)
        }
    }
}
