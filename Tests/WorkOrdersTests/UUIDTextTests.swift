import FoundationEssentials
import Testing
import WorkOrders

struct UUIDTextTests {
    @Test func `an id's text is the system's in lower case, and reads back as the id`() {
        for _ in 1...1000 {
            let id = UUID()
            #expect(id.text == id.uuidString.lowercased())
            #expect(UUID(strict: id.text) == id)
            #expect(UUID(strict: id.uuidString) == id)
        }
    }

    @Test(arguments: [
        "", "0190", "g0000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000_000000000000",
        "000000000-000-7000-8000-000000000000", "00000000-0000-7000-8000-0000000000000",
    ])
    func `other texts are no ids`(text: String) { #expect(UUID(strict: text) == nil) }
}
