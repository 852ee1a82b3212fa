internal import AMQP
internal import Postgres
internal import Settings

extension Settings {
    /// Reads the configuration and lets both clients judge their URLs, so that an option nobody knows is a mistake at the
    /// start of every command, before any server is asked.
    /// - Throws: ``SettingsError``, or the client's error with what is wrong.
    static func checked(path: String?, environment: [String: String]) throws -> Settings {
        let settings = try load(path: path, environment: environment)
        _ = try AMQPConfiguration(url: settings.broker.url)
        try PostgresConfiguration(url: settings.database.url).check()
        return settings
    }
}
