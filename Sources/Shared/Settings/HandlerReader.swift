import Yams

/// Reads one entry of `handlers`.
struct HandlerReader {
    /// The shortest and the longest time an attempt may be given.
    static let timeouts = Duration.milliseconds(10)...Duration.seconds(7 * 86_400)

    /// Resolves working directories; absolute.
    let folder: String
    /// The models that have a price.
    let models: [String]
    /// What holds for kinds that say nothing of their own.
    let retry: RetrySettings

    /// The handler; nil with mistakes noted.
    func read(_ field: Field) -> HandlerSettings? {
        let keys =
            [
                "command", "http", "timeout_seconds", "default_estimate_usd", "free", "model", "max_tokens", "economy",
                "max_attempts", "retry",
            ] + FlowSettings.keys
        guard let section = Section(field)?.knowing(keys) else { return nil }
        let transport = transport(section)
        let timeout = section["timeout_seconds"]?.seconds(in: Self.timeouts)
        let attempts = section["max_attempts"]?.integer(in: 1...100, unit: "attempts")
        let economy = section["economy"]?.text(expected: "the kind of another handler")
        let flow = FlowSettings(section)
        let retry = section.section("retry").map { RetryReader.read($0, over: self.retry) }
        guard let cost = HandlerCostReader(models: models).read(section), let transport else { return nil }
        return HandlerSettings(
            transport: transport,
            cost: cost,
            timeout: timeout,
            maxAttempts: attempts,
            economy: economy,
            flow: flow,
            retry: retry
        )
    }

    private func transport(_ section: Section) -> HandlerSettings.Transport? {
        switch (section["command"], section["http"]) {
        case (let command?, nil): return self.command(command).map { .command($0) }
        case (nil, let http?): return self.http(http).map { .http($0) }
        case (nil, nil): section.fail("has neither command nor http: say how the handler is reached")
        case (_?, _?): section.fail("has both command and http: keep one")
        }
        return nil
    }

    private func command(_ field: Field) -> CommandSettings? {
        let keys = ["argv", "environment", "working_directory", "output_limit_bytes"]
        guard let section = Section(field)?.knowing(keys) else { return nil }
        let words = section["argv"]?.items(of: "words")
        let argv = words?.compactMap { $0.text() }
        let shown = words?.compactMap { $0.node.scalar?.string }
        if section["argv"] == nil || argv?.first?.isEmpty == true || words?.isEmpty == true {
            section.fail("has no program to start: set argv: [program, argument, ...]")
        }
        let names = section["environment"]?.items(of: "names of variables").map { $0.compactMap(variableName) }
        let directory = section["working_directory"]?.text(expected: "a folder") ?? "."
        let limit = section["output_limit_bytes"]?.integer(in: 0...67_108_864, unit: "bytes")
        guard let argv, let shown, !argv.isEmpty else { return nil }
        return CommandSettings(
            argv: argv,
            environment: names ?? ["PATH"],
            workingDirectory: ConfigFile.resolve(directory, in: folder),
            outputLimitBytes: limit ?? 65_536,
            shownArgv: shown
        )
    }

    private func variableName(_ field: Field) -> String? {
        guard let name = field.text(expected: "the name of a variable") else { return nil }
        if Expansion.isVariableName(name) { return name }
        field.fail("should be the name of an environment variable, without $ and without a value")
        return nil
    }

    private func http(_ field: Field) -> HTTPSettings? {
        let keys = ["url", "headers", "cost_header"]
        guard let section = Section(field)?.knowing(keys, holdsSecrets: true) else { return nil }
        let rule = "use letters, digits and -"
        let headers = section.section("headers").map { self.headers($0, rule: rule) } ?? [:]
        let costHeader = section["cost_header"]?.text(expected: "the name of a header")
        if let costHeader, !NameRule.isHeaderName(costHeader) {
            section["cost_header"]?.fail("should be the name of a header: \(rule)")
        }
        guard let address = section["url"] else {
            section.fail("has no url: set url: https://...")
            return nil
        }
        guard let url = address.secret(expected: "a URL") else { return nil }
        if let flaw = URLRole.service.flaw(in: url) {
            address.fail(flaw)
            return nil
        }
        return HTTPSettings(url: url, headers: headers, costHeader: costHeader, shownURL: address.node.scalar?.string)
    }

    private func headers(_ section: Section, rule: String) -> [String: String] {
        var headers: [String: String] = [:]
        let rule = "\(rule); its value stands behind the name and a colon, in quotes of its own"
        for (name, value) in section.named("header", rule, holdsSecrets: true, where: NameRule.isHeaderName) {
            // A name alone, as in `{s3cret}`, may be a value that lacks its name.
            if value.isAbsent {
                section.fail("has a header without a value: give it one, if only \"\"")
            } else {
                headers[name] = headerValue(value)
            }
        }
        return headers
    }

    private func headerValue(_ field: Field) -> String? {
        guard let value = field.secret(expected: "a header's value") else { return nil }
        let isPrintable = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
        if isPrintable { return value }
        field.fail("holds a line break or another control character, which no header may")
        return nil
    }
}
