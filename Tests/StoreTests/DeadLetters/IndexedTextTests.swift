import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

/// A row too large for its index (SQLSTATE 54000) stops whoever writes it: every text that is indexed has a bound.
struct IndexedTextTests {
    private struct Column: Hashable {
        let table: String
        let name: String
        let type: String
    }

    @Test func `every indexed text has a bound that the database keeps, and no index entry outgrows its page`()
        async throws
    {
        try await StoreDesk.open { desk in
            let rows = try await desk.store.postgres.run(
                """
                SELECT c.oid::regclass::text, x.indexrelid::regclass::text, a.attname::text, t.typname::text
                FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                CROSS JOIN LATERAL unnest(x.indkey) AS k (attnum)
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                JOIN pg_type t ON t.oid = a.atttypid
                WHERE n.nspname = 'moose' AND t.typcategory NOT IN ('N', 'B', 'D') AND t.typname <> 'uuid'
                ORDER BY 1, 2, 3
                """
            ).rows
            #expect(rows.count > 15, "the catalogue knows them")
            #expect(
                try await desk.count(
                    """
                    pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'moose' AND x.indexprs IS NOT NULL
                    """) == 0, "an index of an expression: say here what bounds it")
            var indexes: [String: [Column]] = [:]
            for row in rows {
                let column = Column(table: try row.decode(0), name: try row.decode(2), type: try row.decode(3))
                // At most one number for each budget policy that an order can count against.
                if column.name == "waits_on" { continue }
                #expect(["text", "bytea"].contains(column.type), "\(column): say here why it can't grow")
                indexes[try row.decode(1), default: []].append(column)
            }
            for (index, columns) in indexes {
                var bytes = 0
                for column in columns { bytes += try await Self.bound(of: column, desk) }
                // A third of a page, less what surrounds the entry.
                #expect(bytes <= 2500, "\(index) may hold \(bytes) bytes")
            }
        }
    }

    /// Tries what the checks of a column let pass.
    private static func bound(of column: Column, _ desk: StoreDesk) async throws -> Int {
        try await desk.store.postgres.withConnection { connection in
            try await connection.runSimple(
                """
                DROP TABLE IF EXISTS pg_temp.probe;
                CREATE TEMP TABLE probe (LIKE \(column.table) INCLUDING CONSTRAINTS);
                DO $$ DECLARE v name; BEGIN
                    FOR v IN SELECT attname FROM pg_attribute WHERE attrelid = 'pg_temp.probe'::regclass AND attnum > 0
                    LOOP EXECUTE format('ALTER TABLE pg_temp.probe ALTER %I DROP NOT NULL', v); END LOOP; END $$
                """)
            // The shortest that is refused.
            var (shortest, longest) = (0, 3000)
            while shortest < longest {
                let size = (shortest + longest) / 2
                do {
                    try await connection.runSimple(
                        "INSERT INTO pg_temp.probe (\(column.name)) VALUES (repeat('x', \(size))::\(column.type))")
                    shortest = size + 1
                } catch let error as PostgresError where error.sqlState == "23514" {
                    // Too long.
                    longest = size
                }
            }
            #expect(shortest < 3000, "\(column.table).\(column.name) has no bound")
            return shortest
        }
    }
}
