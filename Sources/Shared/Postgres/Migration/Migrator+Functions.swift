extension Migrator {
    /// How often it tries to have the tables of triggers and views to itself, a second apart.
    private static let tries = 60

    /// Installs the set, unless the database has it or a newer release's: all files and the seal in one transaction,
    /// under the lock of the migrations.
    ///
    /// - Returns: whether it did.
    func install(_ functions: FunctionSet, _ connection: PostgresConnection) async throws -> Bool {
        var attempt = 1
        while true {
            do throws(MigrationError) {
                return try await installOnce(functions, connection)
            } catch {
                await connection.rollback()
                guard error.isBusy, attempt < Self.tries else { throw error }
            }
            attempt += 1
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func installOnce(
        _ functions: FunctionSet, _ connection: PostgresConnection
    ) async throws(MigrationError) -> Bool {
        let newest: Int
        do throws(PostgresError) {
            try await connection.begin()
            try await connection.runSimple("LOCK TABLE moose.schema_migrations IN EXCLUSIVE MODE")
            let record = try await readRecord(connection)
            newest = record.newest
            guard record.lacks(functions, at: newest) else {
                try await connection.commit()
                return false
            }
            // While a trigger waits for its table, all that writes there waits behind it: not for long, and shorter than
            // PostgreSQL takes to see a deadlock, so that it is this one who gives way. Bodies name what comes later.
            try await connection.runSimple("SET LOCAL lock_timeout = '500ms'; SET LOCAL check_function_bodies = off")
        } catch {
            throw .database(error)
        }
        for file in functions.files {
            do throws(PostgresError) {
                try await connection.runSimple(file.sql)
            } catch {
                throw .functions(file: file.name, error)
            }
        }
        do throws(PostgresError) {
            try await connection.runSimple(Migrator.seal)
            try await write(functions, at: newest, connection)
            try await connection.commit()
        } catch {
            throw .database(error)
        }
        return true
    }
}

extension MigrationError {
    /// Somebody was at a table for longer than it waits, or waited for it crosswise.
    fileprivate var isBusy: Bool {
        guard case .functions(file: _, let error) = self, let state = error.sqlState else { return false }
        return ["55P03", "40P01"].contains(state)
    }
}
