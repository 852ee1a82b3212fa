internal import FoundationEssentials
internal import Postgres
internal import WorkOrders

/// An entry of the audit log that tells of a budget.
struct BudgetChange: Sendable {
    let at: Date
    let who: String
    /// Such as `budget update` or `freeze insert`.
    let action: String
    /// Such as `org org`, `project shop` or `hold ID TOKEN NUMBER`.
    let subject: String
    let before: JSONValue
    let after: JSONValue
    let reason: String?

    /// Those of the last so many days, the newest first.
    ///
    /// - Parameter scopes: only changes of these; all when empty.
    static func newest(
        of scopes: [BudgetScope], days: Int, limit: Int, in database: PostgresClient
    ) async throws -> [BudgetChange] {
        try await database.run(
            """
            SELECT a.at, a.who, a.action, a.subject, a.before, a.after, a.reason FROM moose.audit_log a
            WHERE a.at > now() - make_interval(days => \(Int32(days)))
              AND a.action ~ '^(budget|freeze|exemption|hold|ledger) '
              AND (\(scopes.isEmpty) OR a.subject = ANY (\(scopes.map(\.subject))))
            ORDER BY a.at DESC, a.id DESC LIMIT \(limit)
            """
        ).rows.map { row in
            BudgetChange(
                at: try row.decode(0), who: try row.decode(1), action: try row.decode(2), subject: try row.decode(3),
                before: .document(try row.decode(4, as: String?.self)),
                after: .document(try row.decode(5, as: String?.self)), reason: try row.decode(6))
        }
    }

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

    var json: JSONValue {
        [
            "at": .time(at), "who": .string(who), "action": .string(action), "subject": .string(subject),
            "before": before, "after": after, "reason": .text(reason),
        ]
    }
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
