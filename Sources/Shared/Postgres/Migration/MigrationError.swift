/// Why the schema could not be brought up to date.
package enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The list of migrations in the program has a number twice.
    case duplicate(id: Int)
    /// A migration that was applied has another text in this program.
    case changed(id: Int, name: String)
    /// The database has migrations this program doesn't know; only thrown when told to refuse that.
    case newerSchema(database: Int, program: Int)
    /// A migration failed and was rolled back; those before it stay.
    case failed(id: Int, name: String, PostgresError)
    /// The database failed elsewhere.
    case database(PostgresError)

    package var description: String {
        switch self {
        case .duplicate(let id): "the migrations are inconsistent. Number \(id) occurs twice. Renumber one"
        case .changed(let id, let name):
            "migration \(id) (\(name)) was changed. The database ran it with another text. "
                + "Restore it and put the change into a new migration"
        case .newerSchema(let database, let program):
            "the schema is newer than this program. It is at \(database), this program knows \(program). "
                + "Update the program"
        case .failed(let id, let name, let error):
            "migration \(id) (\(name)) failed and was rolled back. \(error)"
        case .database(let error): error.description
        }
    }
}
