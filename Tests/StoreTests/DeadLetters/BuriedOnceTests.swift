import FoundationEssentials
import Store
import TestSupport
import Testing
import WorkOrders

/// A dead letter stands once, however often the question that made it is asked.
struct BuriedOnceTests {
    @Test func `a claim asked again after a lost reply buries its reused id once, and another id beside it`()
        async throws
    {
        try await StoreDesk.open { desk in
            let items = try [StoreDesk.order(title: "first"), StoreDesk.order(title: "first")]
            _ = try await desk.claim(items)
            let others = try items.map { try StoreDesk.order($0.id, title: "second") }
            let claim = UUID()
            for _ in 0..<3 {
                let verdicts = try await desk.claim(others, claim: claim)
                #expect(verdicts == [.invalid(reason: "id_reused"), .invalid(reason: "id_reused")])
            }
            #expect(try await desk.count("moose.dead_letters WHERE reason = 'id_reused'") == 2)
            #expect(try await desk.events(reason: "id_reused") == 2)
        }
    }

    @Test func `doorbells without an order are told apart by their id`() async throws {
        try await StoreDesk.open { desk in
            let bells = [StoreDesk.registered(.timeOrdered()), StoreDesk.registered(.timeOrdered())]
            for _ in 0..<2 { _ = try await desk.claim(bells) }
            #expect(try await desk.count("moose.dead_letters WHERE reason = 'unknown_work_order'") == 2)
        }
    }
}
