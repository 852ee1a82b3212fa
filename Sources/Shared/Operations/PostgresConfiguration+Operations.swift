package import Postgres

extension PostgresConfiguration {
    /// How a face opens the database to ask and do what this library offers.
    ///
    /// A statement may take 60 s, then the server gives it up: somebody waits for the answer, and some questions look
    /// at every row, which a worker's 10 s are too few for.
    ///
    /// - Parameter applicationName: what the server's `pg_stat_activity` shows, such as `moose command`.
    package static func operations(url: String, applicationName: String) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(url: url)
        configuration.applicationName = applicationName
        configuration.statementTimeout = .seconds(60)
        return configuration
    }
}
