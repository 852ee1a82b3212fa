import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

@Suite(.serialized)
struct RedriveTests {
    @Test func `stranded orders go to a lane that exists, as they were and under their ids`() async throws {
        try await Desk.open { desk in
            let ids = try await desk.strand(30)
            let counts = try await desk.redriver().run(try await desk.letters(), Desk.toLane("default"))
            #expect(counts.messages == 30 && counts.left.isEmpty)
            let arrived = try await desk.drain(MooseTopology.workQueue(lane: "default"), 30)
            #expect(Set(arrived.map(\.properties.messageID)) == Set(ids.map { $0.uuidString.lowercased() }))
            #expect(
                arrived.allSatisfy {
                    $0.properties.appID == "shop" && $0.body == Array(#"{"kind":"work","title":"t"}"#.utf8)
                })
            #expect(try await desk.count("moose.dead_letters WHERE state = 'redriven'") == 30)
            #expect(
                try await desk.count(
                    "moose.dead_letter_history WHERE action = 'redriven' AND who = 'ann' AND why = 'fixed'") == 30)
            let none = try await desk.redriver().run(try await desk.letters(), Desk.toLane("default"))
            #expect(none.messages == 0 && none.left.isEmpty, "what is redriven is redriven once")
        }
    }

    @Test func `what reaches no queue stays dead and says why`() async throws {
        try await Desk.open { desk in
            _ = try await desk.strand(3)
            let letters = try await desk.letters()
            let same = try await desk.redriver().run(letters)
            #expect(same.messages == 0 && same.left.count == 3)
            #expect(same.left[0].why.contains("the lane nowhere has no queue"))
            let elsewhere = Desk.to("", "no-such-queue")
            let returned = try await desk.redriver().run(letters, elsewhere)
            #expect(returned.left.count == 3 && returned.messages == 0)
            for (exchange, why) in [("no-such-exchange", "no exchange"), ("amq.rabbitmq.trace", "access")] {
                let refused = try await desk.redriver().run(letters, Desk.to(exchange, nil))
                #expect(refused.messages == 0 && refused.left.count == 3)
                #expect(refused.left.allSatisfy { $0.why.contains(why) }, "\(refused.left)")
            }
            #expect(try await desk.count("moose.dead_letters WHERE state = 'dead' AND lease IS NULL") == 3)
            #expect(try await desk.count("moose.dead_letter_history") == 0)
        }
    }

    @Test func `of a batch what the broker took is redriven, and only the rest stays dead`() async throws {
        try await Desk.open { desk in
            let queue = MooseTopology.workQueue(lane: "default")
            let places = [
                ("", queue), ("", "no-such-queue"), ("no-such-exchange", queue), ("amq.rabbitmq.trace", queue),
                ("", queue),
            ]
            for (index, (exchange, routingKey)) in places.enumerated() {
                let letter = DeadLetter(
                    reason: .malformed, explanation: "not JSON", workOrderID: nil, exchange: exchange,
                    routingKey: routingKey, body: Array("{\(index)".utf8), headers: "{}", isRedelivered: false)
                _ = try await desk.store.bury([letter])
            }
            let counts = try await desk.redriver().run(try await desk.letters())
            #expect(counts.messages == 2 && counts.left.count == 3)
            let redriven = "moose.dead_letters WHERE state = 'redriven' AND exchange = '' AND routing_key = '\(queue)'"
            #expect(try await desk.count(redriven) == 2)
            let dead = try await desk.letters("state = 'dead' AND lease IS NULL")
            #expect(Set(dead) == Set(counts.left.map(\.letter)), "each is named")
            try await eventually("both are queued, once") { try await desk.queued() == 2 }
        }
    }

    @Test func `a redriver that dies after its confirm loses nothing, and the next one waits for its letters`()
        async throws
    {
        try await Desk.open { desk in
            _ = try await desk.strand(40)
            let letters = try await desk.letters()
            // What the dead one did: leased, published some, marked none.
            let taken = try await desk.store.leaseLetters(Array(letters[..<20]), lease: UUID(), for: .seconds(2))
            try await desk.publisher.publish(try taken[..<10].map { try Desk.toLane("default").message($0) })
            let counts = try await desk.redriver().run(letters, Desk.toLane("default"))
            #expect(counts.messages == 40 && counts.left.isEmpty)
            let arrived = try await desk.drain(MooseTopology.workQueue(lane: "default"), 50)
            #expect(arrived.count == 50, "ten are there twice, under the same ids: the claim drops them")
            #expect(Set(arrived.map(\.properties.messageID)).count == 40)
        }
    }

    @Test func `two redrivers at once send each letter once`() async throws {
        try await Desk.open { desk in
            _ = try await desk.strand(600)
            let letters = try await desk.letters()
            async let first = desk.redriver().run(letters, Desk.toLane("default"))
            async let second = desk.redriver().run(Array(letters.reversed()), Desk.toLane("default"))
            let counts = try await [first, second]
            #expect(counts.map(\.messages).reduce(0, +) == 600 && counts.allSatisfy { $0.left.isEmpty })
            try await eventually("all are queued once") { try await desk.queued() == 600 }
        }
    }

    @Test func `a message that dies again opens its own letter again, and only once`() async throws {
        try await Desk.open { desk in
            _ = try await desk.strand(1)
            let letter = try #require(try await desk.letters().first)
            // It goes to the dead letters by way of the fanout exchange, as if its lane had vanished meanwhile.
            let nowhere = Desk.to(MooseTopology.dead, nil)
            let stale = try await desk.store.leaseLetters([letter], lease: UUID(), for: .zero)
            let counts = try await desk.redriver().run([letter], nowhere)
            #expect(counts.messages == 1)
            try await desk.waitFor(1, "moose.dead_letter_history WHERE action = 'came_back'")
            // A copy of the earlier redrive, which died between publish and mark, changes nothing.
            try await desk.publisher.publish(try stale.map { try nowhere.message($0) })
            _ = try await desk.publisher.publish([.workOrder(id: .timeOrdered(), lane: "last", body: Array("{}".utf8))])
            try await desk.waitFor(1, "moose.dead_letters WHERE routing_key = 'last'")
            #expect(try await desk.count("moose.dead_letters") == 2)
            #expect(try await desk.count("moose.dead_letters WHERE state = 'dead' AND id = '\(letter)'") == 1)
            #expect(try await desk.count("moose.dead_letter_history WHERE action = 'came_back'") == 1)
        }
    }

    @Test func `a mark that somebody wrote, or copied to another message, makes a letter of its own`() async throws {
        try await Desk.open { desk in
            _ = try await desk.strand(1)
            let letter = try #require(try await desk.letters().first)
            // It is out; of this redrive somebody sees the message.
            let out = try #require(try await desk.store.leaseLetters([letter], lease: UUID(), for: .zero).first)
            let seen = RedriveMark(letter: letter, number: out.number, key: out.key, body: out.body)
            let guessed = RedriveMark(letter: letter, number: out.number, key: UUID(), body: Array("evil".utf8))
            for headers in [seen.headers, guessed.headers, ["moose-redrive": .string("\(letter):\(out.number)")]] {
                let properties = MessageProperties(messageID: UUID.timeOrdered().uuidString, headers: headers)
                try await desk.publisher.publish([
                    OutgoingMessage(
                        exchange: MooseTopology.dead, routingKey: "x", properties: properties,
                        body: Array("evil".utf8))
                ])
            }
            try await desk.waitFor(3, "moose.dead_letters WHERE body = 'evil' AND state = 'dead'")
            #expect(try await desk.count("moose.dead_letters WHERE id = '\(letter)' AND body = 'evil'") == 0)
            #expect(try await desk.count("moose.dead_letter_history WHERE action = 'came_back'") == 0)
        }
    }

    @Test func `an id that is another's is redriven only under a new one`() async throws {
        try await Desk.open { desk in
            var letter = DeadLetter(
                reason: .idReused, explanation: "used before", workOrderID: UUID(), exchange: "moose.work",
                routingKey: "default", body: Array("{}".utf8), headers: "{}", isRedelivered: false)
            letter.kind = "work"
            _ = try await desk.store.bury([letter])
            let ids = try await desk.letters()
            let refused = try await desk.redriver().run(ids)
            #expect(refused.left.map(\.why).first?.contains("--new-id") == true)
            var fresh = Redrive()
            fresh.hasNewID = true
            #expect(try await desk.redriver().run(ids, fresh).messages == 1)
            let arrived = try await desk.drain(MooseTopology.workQueue(lane: "default"), 1)
            #expect(arrived[0].properties.messageID == ids[0].uuidString.lowercased())
        }
    }
}
