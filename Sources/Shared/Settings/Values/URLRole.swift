/// What a URL of the configuration leads to, and so what it must look like.
enum URLRole {
    case broker, database, service

    /// What is wrong with the URL; nil when it will do.
    func flaw(in text: String) -> String? {
        switch self {
        case .broker: ConnectionURL.flaw(in: text, schemes: ["amqp", "amqps"], isStrict: true)
        // libpq takes a URL without a host for the socket of this machine.
        case .database:
            ConnectionURL.flaw(in: text, schemes: ["postgresql", "postgres"], mayLackHost: true, isStrict: true)
        case .service: ConnectionURL.flaw(in: text, schemes: ["https", "http"])
        }
    }
}

extension Field {
    /// A URL, which may hold a secret; nil with a mistake noted.
    func url(to role: URLRole) -> String? {
        guard let text = secret(expected: "a URL") else { return nil }
        guard let flaw = role.flaw(in: text) else { return text }
        fail(flaw)
        return nil
    }
}
