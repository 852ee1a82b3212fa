/// One step of the tables. Once released, neither its number nor its text ever changes.
package struct Migration: Sendable, Hashable {
    /// Its place in the order, from 1.
    package let id: Int
    package let name: String
    /// A script of statements without parameters; it runs inside a transaction, so it must not end it.
    package let sql: String

    package init(id: Int, name: String, sql: String) {
        self.id = id
        self.name = name
        self.sql = sql
    }

    /// Sixteen hexadecimal digits that tell another text.
    package var checksum: String {
        var digest = TextDigest()
        digest.add(sql)
        return digest.digits
    }
}
