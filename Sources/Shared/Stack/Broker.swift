internal import FoundationEssentials

/// A private RabbitMQ node: the server's own script run directly, because the packaged wrapper changes user and folder.
struct Broker: Server {
    let layout: StackLayout
    let record: StackRecord
    let options: StackOptions

    var kind: StackServer { .broker }
    var probe: Probe { .broker(port: record.ports.amqp) }
    var logs: [String] { ["\(layout.data(of: .broker))/log/\(Self.node).log", layout.output(of: .broker)] }

    private static let node = "moose@localhost"

    func prepare() async throws -> Bool {
        let changes = try [
            layout.writeConfiguration(configuration, name: "rabbitmq.conf"),
            layout.writeConfiguration(advancedConfiguration, name: "advanced.config"),
            layout.writeConfiguration("[].\n", name: "enabled_plugins"),
        ]
        return changes.contains(true)
    }

    private var configuration: String {
        """
        listeners.tcp.1 = \(StackRecord.host):\(record.ports.amqp)
        default_user = \(StackRecord.name)
        default_pass = \(record.brokerPassword)
        default_vhost = \(StackRecord.name)
        default_user_tags.administrator = true
        disk_free_limit.absolute = 50MB
        log.console = false
        log.file = \(Self.node).log
        log.file.level = info
        log.file.rotation.size = 10485760
        log.file.rotation.count = 3

        """
    }

    /// In Erlang's notation, because rabbitmq.conf knows no key for the tick.
    private var advancedConfiguration: String {
        var settings: [String] = []
        if let timeout = options.consumerTimeout {
            settings.append("{consumer_timeout, \(Self.milliseconds(timeout))}")
        }
        if let tick = options.channelTickInterval {
            settings.append("{channel_tick_interval, \(Self.milliseconds(tick))}")
        }
        return "[{rabbit, [\(settings.joined(separator: ", "))]}].\n"
    }

    private static func milliseconds(_ duration: Duration) -> Int64 { max(1, Int64(duration / .milliseconds(1))) }

    func launchCommand() throws -> Command {
        guard let scripts = Self.scriptsFolder() else { throw StackError.missingPackages(["rabbitmq-server"]) }
        let data = layout.data(of: .broker)
        return command(
            ["\(scripts)/rabbitmq-server"],
            environment: [
                ServerProcess.mark(.broker, folder: layout.folder),
                "RABBITMQ_NODENAME=\(Self.node)",
                "RABBITMQ_CONF_ENV_FILE=/dev/null",
                "RABBITMQ_CONFIG_FILE=\(layout.servers)/rabbitmq.conf",
                "RABBITMQ_ADVANCED_CONFIG_FILE=\(layout.servers)/advanced.config",
                "RABBITMQ_ENABLED_PLUGINS_FILE=\(layout.servers)/enabled_plugins",
                "RABBITMQ_MNESIA_BASE=\(data)/mnesia",
                "RABBITMQ_LOG_BASE=\(data)/log",
                "RABBITMQ_PID_FILE=\(data)/rabbitmq.pid",
                "RABBITMQ_DIST_PORT=\(record.ports.distribution)",
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
                // Makes the script become the server instead of staying between it and our signals.
                "RUNNING_UNDER_SYSTEMD=true",
            ]
        )
    }

    /// Runs Erlang expressions inside the broker, in milliseconds where `rabbitmqctl` takes seconds.
    func evaluate(_ expressions: String) async throws -> String {
        guard
            let program = ["/usr/bin/erl_call", "/usr/local/bin/erl_call", "/usr/lib/erlang/bin/erl_call"]
                .first(where: { path in FileManager.default.isExecutableFile(atPath: path) })
        else { throw StackError.missingPackages(["erlang-base"]) }
        // Without -c it reads the cookie from HOME, so the cookie never shows in `ps`. A name of its own for each call:
        // that of -r comes from the clock, and of two calls in one second the broker refuses the second.
        let name = "c" + UUID().uuidString.prefix(8)
        var call = command([program, "-h", name, "-sname", Self.node, "-e"], environment: [])
        call.input = expressions + "\n"
        let answer = try await call.run()
        guard answer.hasPrefix("{ok,") else {
            throw StackError.commandFailed(name: "erl_call", status: 0, output: String(answer.suffix(2_000)))
        }
        return String(answer.dropFirst("{ok, ".count).dropLast())
    }

    private func command(_ arguments: [String], environment: [String]) -> Command {
        let home = layout.data(of: .broker)
        return Command(
            arguments: arguments,
            environment: environment + [
                "HOME=\(home)", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "ERL_EPMD_PORT=\(record.ports.epmd)", "ERL_EPMD_ADDRESS=\(StackRecord.host)",
            ],
            folder: home,
            account: layout.account
        )
    }

    private static func scriptsFolder() -> String? {
        ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/sbin"]
            .first { folder in FileManager.default.isExecutableFile(atPath: "\(folder)/rabbitmq-server") }
    }
}
