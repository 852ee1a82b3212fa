internal import FoundationEssentials
internal import Operations
internal import WorkOrders

extension BudgetChange {
    /// What was changed: `org, day` or `project shop`.
    var title: String {
        let whose = subject == BudgetScope.org.subject ? "org" : subject
        let period = after.field("period")?.plain ?? before.field("period")?.plain
        return PrintableText.oneLine(whose + (period.map { ", \($0)" } ?? ""))
    }

    /// What changed in it: `kill $100.00 → $150.00, time zone UTC → Europe/Berlin`.
    ///
    /// - Parameter arrow: stands between before and after.
    func text(arrow: String) -> String {
        switch action {
        case "freeze insert": return "frozen"
        case "freeze delete": return "no longer frozen"
        case "exemption insert": return "exempt from daily budgets"
        case "exemption delete": return "no longer exempt from daily budgets"
        default: break
        }
        let changes = Self.fields.compactMap { key, name -> String? in
            let (old, new) = (before.field(key)?.shown(key), after.field(key)?.shown(key))
            // A new budget tells what it has, without a before.
            if old == new || key == "time_zone" && after.field("period")?.plain == "total" { return nil }
            return before == .null ? "\(name) \(new ?? "none")" : "\(name) \(old ?? "none") \(arrow) \(new ?? "none")"
        }
        if action == "budget insert" {
            return changes.isEmpty ? "created, only tracks" : "created: \(changes.joined(separator: ", "))"
        }
        let text = changes.isEmpty ? action : changes.joined(separator: ", ")
        return action == "budget delete" ? "deleted: \(text)" : text
    }

    /// What people are told about, and what it is called.
    private static let fields = [
        ("soft_u", "soft"), ("hard_u", "hard"), ("kill_u", "kill"), ("raised_u", "raised"),
        ("raised_until", "raised until"), ("time_zone", "time zone"), ("state", "state"), ("posted_u", "cost"),
        ("holds", "holds"), ("ledger_entries", "ledger entries"),
    ]
}

extension JSONValue {
    /// A field of an object that has a value.
    fileprivate func field(_ key: String) -> JSONValue? {
        guard case .object(let fields) = self, let value = fields[key], value != .null else { return nil }
        return value
    }

    fileprivate var plain: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// Amounts as dollars, instants without their zone's name, everything else as it is.
    fileprivate func shown(_ key: String) -> String {
        switch self {
        case .integer(let amount) where key.hasSuffix("_u"): MoneyText.dollars(amount)
        case .integer(let number): String(number)
        case .string(let text): Date(rfc3339: text).map(Moment.exact) ?? text
        default: "?"
        }
    }
}
