import Testing

@testable import Settings

/// The file every key of which is set, as the manual shows it.
let completeFile = """
    amqp_url: amqp://guest:guest@10.0.0.1:5672/%2F
    database_url: postgresql://moose@10.0.0.2:5432/moose
    lanes:
      default: {weight: 1}
      llm: {weight: 2}
    defaults:
      max_attempts: 6
      timeout_seconds: 601
      max_message_bytes: 2048
      unknown_kind_grace_seconds: 602
    retry: {base_seconds: 0.5, cap_seconds: 60}
    lease: {heartbeat_seconds: 5, expiry_seconds: 20}
    worker:
      drain_timeout_seconds: 31
      listen: 127.0.0.1:8080
      max_rss: 500MB
      autoscale: {interval_seconds: 2, grow_after_seconds: 3, grow_cooldown_seconds: 4, shrink_after_seconds: 50}
    spool: {folder: /var/lib/moose/spool, max_bytes: 1048576}
    watch: {stuck_warned_seconds: 3600, stuck_escalated_seconds: 7200}
    models:
      org/Sonnet-4.5: {input_usd_per_million_tokens: "3", output_usd_per_million_tokens: 15}
      small: {input_usd_per_million_tokens: "0.25", output_usd_per_million_tokens: "1.25"}
    handlers:
      review:
        http: {url: https://example.com/review}
        model: org/Sonnet-4.5
        max_tokens: 4096
        economy: review_small
      review_small: {http: {url: https://example.com/review}, model: small, max_tokens: 2048}
      generate_file:
        command:
          argv: [deploy/generate_file.py, --fast]
          environment: [PATH, HOME, LANG]
          working_directory: .
          output_limit_bytes: 1000
        timeout_seconds: 30
        default_estimate_usd: "0.05"
        max_attempts: 3
      call_service:
        http:
          url: https://example.com/hook
          headers: {X-Key: abc}
          cost_header: X-Cost-Usd
        free: true
    """

@Suite struct SettingsTests {
    @Test func `no file at all gives the documented defaults`() throws {
        let settings = try Settings.parse("", file: nil, environment: [:])
        #expect(settings == Settings())
        #expect(settings.broker.url == "amqp://guest:guest@127.0.0.1:5672/%2F")
        #expect(settings.lanes == ["default": LaneSettings(weight: 1)])
        #expect(settings.defaults.maxAttempts == 5)
        #expect(settings.lease.expiry == .seconds(45))
    }

    @Test func `every key of the manual reaches its field`() throws {
        let settings = try Settings.parse(completeFile, file: "/etc/moose/moose.yaml", environment: [:])
        #expect(settings.broker.url == "amqp://guest:guest@10.0.0.1:5672/%2F")
        #expect(settings.database.url == "postgresql://moose@10.0.0.2:5432/moose")
        #expect(settings.lanes == ["default": LaneSettings(weight: 1), "llm": LaneSettings(weight: 2)])
        #expect(settings.defaults.maxAttempts == 6)
        #expect(settings.defaults.timeout == .seconds(601))
        #expect(settings.defaults.maxMessageBytes == 2048)
        #expect(settings.defaults.unknownKindGrace == .seconds(602))
        #expect(settings.retry.base == .milliseconds(500))
        #expect(settings.retry.cap == .seconds(60))
        #expect(settings.lease.heartbeat == .seconds(5))
        #expect(settings.worker.drainTimeout == .seconds(31))
        #expect(settings.worker.listen == ListenAddress(port: 8080))
        #expect(settings.spool.folder == "/var/lib/moose/spool")
        #expect(settings.spool.maxBytes == 1_048_576)
        #expect(settings.worker.maxResidentBytes == 500_000_000)
        #expect(settings.worker.autoscale.interval == .seconds(2))
        #expect(settings.worker.autoscale.growAfter == .seconds(3))
        #expect(settings.worker.autoscale.growCooldown == .seconds(4))
        #expect(settings.worker.autoscale.shrinkAfter == .seconds(50))
        #expect(settings.watch.stuckWarned == .seconds(3600))
        #expect(settings.watch.stuckEscalated == .seconds(7200))
        let command = CommandSettings(
            argv: ["deploy/generate_file.py", "--fast"],
            environment: ["PATH", "HOME", "LANG"],
            workingDirectory: "/etc/moose",
            outputLimitBytes: 1000
        )
        #expect(
            settings.handlers["generate_file"]
                == HandlerSettings(
                    transport: .command(command),
                    cost: .estimate(microUSD: 50_000),
                    timeout: .seconds(30),
                    maxAttempts: 3
                )
        )
        let http = HTTPSettings(
            url: "https://example.com/hook",
            headers: ["X-Key": "abc"],
            costHeader: "X-Cost-Usd"
        )
        #expect(
            settings.models == [
                "org/Sonnet-4.5": ModelSettings(
                    inputMicroUSDPerMillionTokens: 3_000_000,
                    outputMicroUSDPerMillionTokens: 15_000_000
                ),
                "small": ModelSettings(
                    inputMicroUSDPerMillionTokens: 250_000,
                    outputMicroUSDPerMillionTokens: 1_250_000
                ),
            ]
        )
        let review = HTTPSettings(url: "https://example.com/review")
        #expect(
            settings.handlers["review"]
                == HandlerSettings(
                    transport: .http(review),
                    cost: .model("org/Sonnet-4.5", maxTokens: 4096),
                    economy: "review_small"
                )
        )
        #expect(
            settings.handlers["review_small"]
                == HandlerSettings(transport: .http(review), cost: .model("small", maxTokens: 2048))
        )
        #expect(settings.handlers["call_service"] == HandlerSettings(transport: .http(http), cost: .free))
    }

    @Test func `a command that says little gets the narrow defaults`() throws {
        let text = "handlers: {echo: {command: {argv: [cat]}, free: true}}"
        let settings = try Settings.parse(text, file: "/srv/moose.yaml", environment: [:])
        let command = CommandSettings(
            argv: ["cat"],
            environment: ["PATH"],
            workingDirectory: "/srv",
            outputLimitBytes: 65_536
        )
        #expect(settings.handlers["echo"]?.transport == .command(command))
        #expect(settings.handlers["echo"]?.timeout == nil)
    }

    @Test func `the environment wins over the file, and an empty variable is none`() throws {
        let environment = [
            "MOOSE_AMQP_URL": "amqps://u:p@broker/v", "MOOSE_DATABASE_URL": "", "MOOSE_LOG_LEVEL": "Debug",
        ]
        let settings = try Settings.parse(completeFile, file: "moose.yaml", environment: environment)
        #expect(settings.broker.url == "amqps://u:p@broker/v")
        #expect(settings.database.url == "postgresql://moose@10.0.0.2:5432/moose")
        #expect(settings.logLevel == .debug)
    }

    @Test func `variables fill in values, once, and a doubled dollar keeps its brace`() throws {
        let text = """
            database_url: postgresql://moose:${PASSWORD}@db/moose
            worker: {listen: "127.0.0.1:${PORT}"}
            handlers: {echo: {command: {argv: [echo, "$5 $${HOME} ${NESTED}"]}, free: true}}
            """
        let environment = ["PASSWORD": "s3cret", "PORT": "9090", "NESTED": "${PASSWORD}"]
        let settings = try Settings.parse(text, file: "moose.yaml", environment: environment)
        #expect(settings.database.url == "postgresql://moose:s3cret@db/moose")
        #expect(settings.worker.listen == ListenAddress(port: 9090))
        guard case .command(let command) = settings.handlers["echo"]?.transport else {
            Issue.record("no command")
            return
        }
        #expect(command.argv == ["echo", "$5 ${HOME} ${PASSWORD}"])
    }

    @Test func `keys left empty count as missing`() throws {
        let settings = try Settings.parse(
            "lanes:\nretry: ~\namqp_url:\nworker: {listen: }",
            file: "a",
            environment: [:]
        )
        var expected = Settings()
        expected.file = "a"
        #expect(settings == expected)
    }

    @Test func `what is shown reads back the same and holds no secret`() throws {
        let environment = [
            "KEY": "hunter2", "MOOSE_DATABASE_URL": "postgresql://m:hunter2@db/moose?sslpassword=hunter2",
        ]
        let extra =
            "  paid: {command: {argv: [ask, \"${KEY}\"]}, default_estimate_usd: 1.2345}\n"
            + "  hook: {http: {url: \"https://h/${KEY}\", headers: {A: \"${KEY}\"}}, free: true}\n"
        let settings = try Settings.parse(
            completeFile + "\n" + extra,
            file: "/etc/moose/moose.yaml",
            environment: environment
        )
        let shown = settings.description
        #expect(!shown.contains("hunter2"))
        #expect(!shown.contains("guest:guest"))
        #expect(shown.contains("postgresql://m:***@db/moose?sslpassword=***"))
        var again = try Settings.parse(shown, file: "/etc/moose/moose.yaml", environment: ["KEY": "hunter2"])
        #expect(again.handlers["generate_file"] == settings.handlers["generate_file"])
        #expect(again.handlers["paid"] == settings.handlers["paid"])
        #expect(again.handlers["review"] == settings.handlers["review"])
        #expect(again.models == settings.models)
        again.broker = settings.broker
        again.database = settings.database
        again.handlers = settings.handlers
        #expect(again == settings)
    }
}
