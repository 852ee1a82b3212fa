/// All that a database of a program has: tables by numbered steps, and the functions over them.
package struct DatabaseSchema: Sendable, Hashable {
    package let migrations: [Migration]
    package let functions: FunctionSet

    package init(migrations: [Migration], functions: FunctionSet) {
        self.migrations = migrations
        self.functions = functions
    }
}

/// What a migrator did, or would do.
package struct SchemaChange: Sendable, Hashable {
    /// In the order they are applied.
    package let migrations: [Migration]
    /// Whether the set of functions is installed.
    package let installsFunctions: Bool

    package init(migrations: [Migration], installsFunctions: Bool) {
        self.migrations = migrations
        self.installsFunctions = installsFunctions
    }

    /// The database is up to date.
    package var isEmpty: Bool { migrations.isEmpty && !installsFunctions }
}
