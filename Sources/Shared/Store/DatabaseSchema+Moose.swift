package import Postgres

extension DatabaseSchema {
    /// What a database of Moose has.
    package static let moose = DatabaseSchema(migrations: Migrations.all, functions: Functions.all)
}
