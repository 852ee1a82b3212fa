/// Why the schema could not be brought up to date.
package enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The list of migrations in the program has a number twice.
    case duplicate(id: Int)
    /// A migration that was applied has another text in this program.
    case changed(id: Int, name: String)
    /// Nothing is recorded of the schema, and these objects of it are there; `removal` is the SQL that removes them.
    case leftovers([String], removal: String)
    /// A migration failed and was rolled back; those before it stay.
    case failed(id: Int, name: String, PostgresError)
    /// A file of functions failed; all of them were rolled back, the migrations stay.
    case functions(file: String, PostgresError)
    /// The database failed elsewhere.
    case database(PostgresError)

    package var description: String {
        switch self {
        case .duplicate(let id): "the migrations are inconsistent. Number \(id) occurs twice. Renumber one"
        case .changed(let id, let name):
            "migration \(id) (\(name)) was changed. The database ran it with another text. "
                + "Restore it and put the change into a new migration"
        case .leftovers(let objects, let removal):
            "the database has parts of a Moose schema, and no record of it. There \(objects.count == 1 ? "is" : "are") "
                + objects.prefix(5).joined(separator: ", ")
                + (objects.count > 5 ? " and \(objects.count - 5) more" : "")
                + ". Nothing was changed. Restore a backup; or, if what is left may go, with all its data, run "
                + "`\(removal)` in psql, and then `moose migrate` again"
        case .failed(let id, let name, let error):
            "migration \(id) (\(name)) failed and was rolled back. \(error)"
        case .functions(let file, let error):
            "the functions of \(file) failed, and all were rolled back. \(error)"
        case .database(let error): error.description
        }
    }
}
