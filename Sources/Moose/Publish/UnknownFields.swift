internal import Operations
internal import WorkOrders

/// Fields of published bodies that mean nothing to Moose although they look as if they did. They are no mistake: unknown
/// fields are kept and go to the handler. But who writes `runat` has an order that runs at once.
struct UnknownFields {
    /// So many lines are looked at: those of a file look alike.
    private static let limit = 1000
    /// And so many fields of a line.
    private static let width = 100

    /// By the order of their first line.
    private var found: [(name: String, line: Int, count: Int, meant: String?)] = []
    private var looked = 0

    mutating func look(at names: some Sequence<String>, line: Int) {
        looked += 1
        guard looked <= Self.limit else { return }
        for name in names.lazy.filter({ !Self.known.contains($0) }).prefix(Self.width) {
            if let index = found.firstIndex(where: { $0.name == name }) {
                found[index].count += 1
            } else if let meant = Self.meant(by: name) {
                found.append((name, line, 1, meant))
            }
        }
    }

    /// A sentence each, for a person.
    var warnings: [String] {
        found.map { field in
            let place = field.count > 1 ? "line \(field.line) and \(field.count - 1) more" : "line \(field.line)"
            let question = field.meant.map { "; did you mean \($0)?" } ?? ""
            return
                "the field \(PrintableText.oneLine(field.name)) (\(place)) means nothing to Moose and only goes to the "
                + "handler\(question)"
        }
    }

    private static let known = Set(WorkOrderMessage.fieldNames)

    /// What other systems call what Moose calls otherwise.
    private static let others = [
        "delay": "run_at", "eta": "run_at", "scheduled_at": "run_at", "retries": "max_attempts",
        "max_retries": "max_attempts", "dependencies": "depends_on", "cost": "estimated_cost_usd", "prio": "priority",
        "urgency": "priority",
    ]

    /// The field that was meant, perhaps; nil for a name of the publisher's own.
    static func meant(by name: String) -> String? {
        guard name.utf8.count <= 100 else { return nil }
        if let other = others[name.lowercased()] { return other }
        let plain = plain(name)
        guard plain.count >= 4 else { return nil }
        return WorkOrderMessage.fieldNames.map { (name: $0, plain: Self.plain($0)) }
            .filter { $0.plain.count >= 4 }
            .map { field in (field.name, Self.distance(plain, field.plain)) }
            .filter { $0.1 <= (plain.count >= 6 ? 2 : 1) }
            .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    private static func plain(_ name: String) -> [Character] {
        name.lowercased().filter { $0.isLetter || $0.isNumber }.map { $0 }
    }

    /// How many letters must change to make one of the other; none where the other only goes on behind it, and too many
    /// where the publisher's does: `project_id` is no slip of the pen.
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        if other.starts(with: one) { return 0 }
        if one.starts(with: other) { return one.count }
        var row = Array(0...other.count)
        for (i, letter) in one.enumerated() {
            var corner = row[0]
            row[0] = i + 1
            for (j, wanted) in other.enumerated() {
                let change = corner + (letter == wanted ? 0 : 1)
                corner = row[j + 1]
                row[j + 1] = min(change, row[j] + 1, corner + 1)
            }
        }
        return row[other.count]
    }
}
