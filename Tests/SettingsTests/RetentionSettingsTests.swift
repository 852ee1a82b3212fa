import Testing

@testable import Settings

/// The block `retention`.
@Suite struct RetentionSettingsTests {
    @Test func `the defaults stand, and are shown`() throws {
        let settings = try Settings.parse("", file: "moose.yaml", environment: [:])
        #expect(settings.retention == RetentionSettings())
        for line in ["daily: true", "orders_days: 30", "ids_days: 90", "audit_days: 400"] {
            #expect(settings.description.contains(line), "\(settings)")
        }
    }

    @Test func `what is shown reads back, and what hangs on another follows it`() throws {
        let text = "retention: {daily: false, orders_days: 365, holds_days: 500}\n"
        #expect(problems(in: text) == [])
        let settings = try Settings.parse(text, file: "moose.yaml", environment: [:])
        #expect(!settings.retention.isDaily && settings.retention.ordersDays == 365)
        #expect(settings.retention.idsDays == 365, "an id is known as long as its order")
        #expect(settings.retention.ledgerDays == 500)
        let again = try Settings.parse(settings.description, file: "moose.yaml", environment: [:])
        #expect(again.retention == settings.retention)
    }

    @Test(arguments: [
        ("orders_days: 0", "retention.orders_days is out of range"),
        ("orders_days: 1.5", "retention.orders_days should be a whole number"),
        ("holds_days: 39", "retention.holds_days is out of range"),
        ("orders_days: 60, ids_days: 30", "has an ids_days below its orders_days"),
        ("holds_days: 60, ledger_days: 50", "has a ledger_days below its holds_days"),
        ("daily: sometimes", "retention.daily should be true or false"),
        ("order_days: 5", "did you mean orders_days?"),
    ])
    func `a mistake is named once, with what to do`(retention: String, message: String) {
        let found = problems(in: "retention: {\(retention)}\n")
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }
}
