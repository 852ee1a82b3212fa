/// The command that lets a broker's user do what Moose does, read from the broker's own words.
enum BrokerGrant {
    /// - Parameter refusal: such as `access to vhost 'moose' refused for user 'limited'`.
    static func command(after refusal: String) -> String {
        let user = name(after: "user '", in: refusal).map(ShellWord.quoted) ?? "USER"
        // Replies to publishers go through the default exchange, which permissions know as amq.default.
        return #"rabbitmqctl set_permissions -p \#(virtualHost(in: refusal)) \#(user) '^moose\.'"#
            + #" '^(moose\.|amq\.default$)' '^moose\.'"#
    }

    /// The virtual host that the broker named, as a word of a command line.
    static func virtualHost(in text: String) -> String {
        name(after: "vhost '", in: text).map(ShellWord.quoted) ?? "VHOST"
    }

    private static func name(after opening: String, in text: String) -> String? {
        guard let start = text.firstRange(of: opening)?.upperBound else { return nil }
        return String(text[start...].prefix { $0 != "'" })
    }
}
