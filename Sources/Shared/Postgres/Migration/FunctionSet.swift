/// The functions, triggers and views of a schema, as they are now. They are no migrations: a database that has others gets
/// all of these, in one transaction.
package struct FunctionSet: Sendable, Hashable {
    /// One file of them.
    package struct File: Sendable, Hashable {
        package let name: String
        /// `CREATE OR REPLACE` statements, and `DROP … IF EXISTS` of what they replace; run again and again.
        package let sql: String

        package init(name: String, sql: String) {
            self.name = name
            self.sql = sql
        }
    }

    /// From 1. It rises with each release that changes a file: a release leaves functions of a higher version alone.
    package let version: Int
    /// In the order they are run. Bodies are not checked meanwhile, so it matters only for what is bound when it is made:
    /// views, and functions written as `RETURN …`.
    package let files: [File]
    /// Functions that the files make outside of the schema `moose`, each as `schema.name`.
    package let outside: [String]

    package init(version: Int, files: [File], outside: [String] = []) {
        self.version = version
        self.files = files
        self.outside = outside
    }

    /// Sixteen hexadecimal digits that tell another set.
    package var digest: String {
        var digest = TextDigest()
        for file in files {
            digest.add(file.name)
            digest.add("\0")
            digest.add(file.sql)
            digest.add("\0")
        }
        return digest.digits
    }
}
