/// How long what is finished is kept.
package struct RetentionSettings: Sendable, Equatable {
    /// Whether the Client Manager deletes once a day. Default true. Key `daily`.
    package var isDaily = true
    /// Finished orders with all that belongs to them, resolved escalations, letters that were dealt with, what CI said.
    /// Default 30. Key `orders_days`.
    package var ordersDays = 30
    /// Since the end of an order, how long its id is recognised; not below ``ordersDays``. Default 90. Key `ids_days`.
    package var idsDays = 90
    /// What operators did. Default 400. Key `audit_days`.
    package var auditDays = 400
    /// Closed holds; at least 40. Default 60. Key `holds_days`.
    package var holdsDays = 60
    /// Ledger entries, whose sums stay; not below ``holdsDays``. Default 400. Key `ledger_days`.
    package var ledgerDays = 400

    /// The defaults.
    package init() {}
}

extension RetentionSettings: SettingsSection {
    static let key = "retention"

    mutating func read(_ section: Section) {
        let section = section.knowing([
            "daily", "orders_days", "ids_days", "audit_days", "holds_days", "ledger_days",
        ])
        isDaily = section["daily"]?.boolean() ?? isDaily
        ordersDays = section["orders_days"]?.integer(in: 1...36_500, unit: "days") ?? ordersDays
        idsDays = section["ids_days"]?.integer(in: 1...36_500, unit: "days") ?? max(idsDays, ordersDays)
        auditDays = section["audit_days"]?.integer(in: 1...36_500, unit: "days") ?? auditDays
        holdsDays = section["holds_days"]?.integer(in: 40...36_500, unit: "days") ?? holdsDays
        ledgerDays = section["ledger_days"]?.integer(in: 40...36_500, unit: "days") ?? max(ledgerDays, holdsDays)
        if idsDays < ordersDays {
            section.fail("has an ids_days below its orders_days: an id must be known as long as its order, at least")
        }
        if ledgerDays < holdsDays {
            section.fail("has a ledger_days below its holds_days: the entries of a hold are needed as long as it")
        }
    }

    var shown: ShownValue {
        .block([
            ("daily", .boolean(isDaily)),
            ("orders_days", .integer(ordersDays)),
            ("ids_days", .integer(idsDays)),
            ("audit_days", .integer(auditDays)),
            ("holds_days", .integer(holdsDays)),
            ("ledger_days", .integer(ledgerDays)),
        ])
    }
}
