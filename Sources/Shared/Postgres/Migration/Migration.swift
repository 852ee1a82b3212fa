/// One step of the schema. Once released, neither its number nor its text ever changes.
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

    /// 64 bits of FNV-1a over the text, as hexadecimal digits: tells an edited migration, not a forged one.
    package var checksum: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sql.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
