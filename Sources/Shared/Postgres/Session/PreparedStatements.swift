/// Which statements one connection has prepared, by text and parameter types.
struct PreparedStatements {
    enum Plan: Equatable {
        /// It is prepared under this name.
        case prepared(String)
        /// Prepare it under this name, then say so with `remember`.
        case prepareAs(String)
        /// There are enough of them: run the text itself. Programs have a fixed set of statements; only text that is
        /// put together at run time gets here, and must not fill the server's memory.
        case unprepared
    }

    private struct Key: Hashable {
        let sql: String
        let types: [PostgresType]

        init(_ query: Query) {
            sql = query.sql
            types = query.parameters.map(\.type)
        }
    }

    let limit: Int
    private var names: [Key: String] = [:]
    private var used = 0
    /// Of this session alone: a pooler may hand on a server's session with the statements of the one before.
    private let prefix: String

    init(limit: Int = 256, session: UInt32 = .random(in: 0 ... .max)) {
        self.limit = limit
        prefix = "moose_\(String(session, radix: 36))_"
    }

    mutating func plan(for query: Query) -> Plan {
        if let name = names[Key(query)] { return .prepared(name) }
        guard names.count < limit else { return .unprepared }
        used += 1
        return .prepareAs("\(prefix)\(used)")
    }

    mutating func remember(_ name: String, _ query: Query) { names[Key(query)] = name }

    /// Returns false when it wasn't prepared.
    mutating func forget(_ query: Query) -> Bool { names.removeValue(forKey: Key(query)) != nil }
}
