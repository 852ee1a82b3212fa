internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import WorkOrders

extension DeadLetterFilter.State: ExpressibleByArgument {}

/// Which dead letters are meant: conditions that must all hold.
struct DeadLetterOptions: ParsableArguments {
    @Option(help: "Only those with this reason.")
    var reason: DeadLetterReason?

    @Option(help: "Only those of this kind of work order.")
    var kind: String?

    @Option(help: "Only those of this lane.")
    var lane: String?

    @Option(help: "Only those that died in this queue.")
    var queue: String?

    @Option(help: ArgumentHelp("Not older: an instant (RFC 3339) or a span such as 2h or 3d.", valueName: "when"))
    var since: String?

    @Option(help: ArgumentHelp("Older than that.", valueName: "when"))
    var until: String?

    @Option(help: "With this text in the explanation, or exactly so in the body.")
    var text: String?

    /// The conditions, for dead letters that are `dead`.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` for what is no point in time.
    func filter() throws(CommandFailure) -> DeadLetterFilter {
        DeadLetterFilter(
            reason: reason?.rawValue, kind: kind, lane: lane, queue: queue,
            since: try Self.instant(since, "--since"), until: try Self.instant(until, "--until"), text: text)
    }

    /// The same and these letters only.
    func filter(ids: [String]) throws(CommandFailure) -> DeadLetterFilter {
        var filter = try filter()
        for id in ids {
            filter.ids.append(
                try IdentifierArgument.parse(id, of: "a dead letter", listedBy: "moose dead-letters list"))
        }
        return filter
    }

    /// For the audit log.
    var audited: JSONValue {
        .object(
            [
                "reason": reason?.rawValue, "kind": kind, "lane": lane, "queue": queue, "since": since, "until": until,
                "text": text,
            ].compactMapValues { $0.map(JSONValue.string) })
    }

    private static func instant(_ text: String?, _ option: String) throws(CommandFailure) -> Date? {
        guard let text else { return nil }
        if let span = RaiseEnd.span(text) { return Date(timeIntervalSinceNow: -Double(span.components.seconds)) }
        if let date = Date(rfc3339: text) { return date }
        throw CommandFailure(
            "“\(PrintableText.truncated(PrintableText.oneLine(text), to: 40))” is no time for \(option)",
            why: "It takes an instant such as 2026-01-31T18:00:00Z, or a span such as 90m, 2h or 3d back from now",
            status: .usage)
    }
}
