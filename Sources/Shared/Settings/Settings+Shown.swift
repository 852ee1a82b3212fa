extension Settings: CustomStringConvertible {
    /// The settings in force as YAML, without secrets: what `moose config show` prints.
    package var description: String { shown.yaml() }

    /// The settings in force without secrets: passwords in URLs and the values of headers are `***`, and what came
    /// from `${NAME}` stands as written.
    package var shown: ShownValue {
        .block([
            ("amqp_url", .text(broker.redactedURL)),
            ("database_url", .text(database.redactedURL)),
            ("database_accept_unsafe", .boolean(database.acceptsUnsafe)),
            ("lanes", .block(sorted(lanes) { .block([("weight", .number("\($0.weight)"))]) })),
            (
                "defaults",
                .block([
                    ("max_attempts", .number("\(defaults.maxAttempts)")),
                    ("timeout_seconds", seconds(defaults.timeout)),
                    ("max_message_bytes", .number("\(defaults.maxMessageBytes)")),
                    ("unknown_kind_grace_seconds", seconds(defaults.unknownKindGrace)),
                ])
            ),
            ("retry", show(retry)),
            (
                "lease",
                .block([
                    ("heartbeat_seconds", seconds(lease.heartbeat)), ("expiry_seconds", seconds(lease.expiry)),
                ])
            ),
            (
                "worker",
                .block(
                    [
                        ("drain_timeout_seconds", seconds(worker.drainTimeout)),
                        ("listen", .text("\(worker.listen)")),
                    ] + (worker.maxResidentBytes.map { [("max_rss", .text(ByteSize.text($0)))] } ?? []) + [
                        ("autoscale", show(worker.autoscale))
                    ])
            ),
            (
                "spool",
                .block(
                    (spool.folder.map { [("folder", .text($0))] } ?? [])
                        + [("max_bytes", .number("\(spool.maxBytes)"))])
            ),
            (
                "watch",
                .block([
                    ("stuck_warned_seconds", seconds(watch.stuckWarned)),
                    ("stuck_escalated_seconds", seconds(watch.stuckEscalated)),
                ])
            ),
            ("retention", show(retention)),
            (
                "sentinel",
                .block(
                    (sentinel.secret.map { _ in [("secret", .text("***"))] } ?? []) + [
                        ("workflows", .list(sentinel.workflows.map { .text($0) })),
                        ("deadline_seconds", seconds(sentinel.deadline)),
                        ("unmatched_seconds", seconds(sentinel.unmatchedAfter)),
                    ])
            ),
            ("models", .block(sorted(models, show))),
            ("handlers", .block(sorted(handlers, show))),
        ])
    }

    private func show(_ retention: RetentionSettings) -> ShownValue {
        .block([
            ("daily", .boolean(retention.isDaily)),
            ("orders_days", .number("\(retention.ordersDays)")),
            ("ids_days", .number("\(retention.idsDays)")),
            ("audit_days", .number("\(retention.auditDays)")),
            ("holds_days", .number("\(retention.holdsDays)")),
            ("ledger_days", .number("\(retention.ledgerDays)")),
        ])
    }

    private func show(_ autoscale: AutoscaleSettings) -> ShownValue {
        .block([
            ("interval_seconds", seconds(autoscale.interval)),
            ("grow_after_seconds", seconds(autoscale.growAfter)),
            ("grow_cooldown_seconds", seconds(autoscale.growCooldown)),
            ("shrink_after_seconds", seconds(autoscale.shrinkAfter)),
        ])
    }

    private func show(_ handler: HandlerSettings) -> ShownValue {
        var entries: [(String, ShownValue)] = []
        switch handler.transport {
        case .command(let command):
            entries.append(("command", show(command)))
        case .http(let http):
            entries.append(("http", show(http)))
        }
        if let timeout = handler.timeout { entries.append(("timeout_seconds", seconds(timeout))) }
        switch handler.cost {
        case .free: entries.append(("free", .boolean(true)))
        case .estimate(let amount): entries.append(("default_estimate_usd", dollars(amount)))
        case .model(let model, let maxTokens):
            entries.append(("model", .text(model)))
            entries.append(("max_tokens", .number("\(maxTokens)")))
        }
        if let economy = handler.economy { entries.append(("economy", .text(economy))) }
        if let attempts = handler.maxAttempts { entries.append(("max_attempts", .number("\(attempts)"))) }
        entries += handler.flow.shown
        if let retry = handler.retry { entries.append(("retry", show(retry))) }
        return .block(entries.map { (key: $0.0, value: $0.1) })
    }

    private func show(_ retry: RetrySettings) -> ShownValue {
        .block([("base_seconds", seconds(retry.base)), ("cap_seconds", seconds(retry.cap))])
    }

    private func show(_ model: ModelSettings) -> ShownValue {
        .block([
            ("input_usd_per_million_tokens", dollars(model.inputMicroUSDPerMillionTokens)),
            ("output_usd_per_million_tokens", dollars(model.outputMicroUSDPerMillionTokens)),
        ])
    }

    private func show(_ command: CommandSettings) -> ShownValue {
        .block([
            ("argv", .list(command.shownArgv.map(ShownValue.text))),
            ("environment", .list(command.environment.map(ShownValue.text))),
            ("working_directory", .text(command.workingDirectory)),
            ("output_limit_bytes", .number("\(command.outputLimitBytes)")),
        ])
    }

    private func show(_ http: HTTPSettings) -> ShownValue {
        var entries: [(key: String, value: ShownValue)] = [("url", .text(http.shownURL))]
        if !http.headers.isEmpty { entries.append(("headers", .block(sorted(http.headers) { _ in .text("***") }))) }
        if let costHeader = http.costHeader { entries.append(("cost_header", .text(costHeader))) }
        return .block(entries)
    }

    private func sorted<Value>(
        _ values: [String: Value],
        _ show: (Value) -> ShownValue
    ) -> [(key: String, value: ShownValue)] {
        values.sorted { $0.key < $1.key }.map { (key: $0.key, value: show($0.value)) }
    }

    private func dollars(_ amount: Int64) -> ShownValue {
        .text(DecimalText.text(millionths: amount))
    }

    private func seconds(_ duration: Duration) -> ShownValue {
        .number(Field.seconds(duration))
    }
}
