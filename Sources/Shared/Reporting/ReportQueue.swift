internal import DequeModule
internal import FoundationEssentials
internal import WorkOrders

/// Reports on their way to the first net that takes them. Pure bookkeeping: bounded, and nothing leaves it without a
/// trace. What repeats is counted into the event it repeats or into one that follows; what finds no room is counted into
/// an event that says so.
struct ReportQueue {
    typealias Instant = ContinuousClock.Instant

    /// What became of a report.
    enum Admission: String {
        case queued
        /// It repeats another and counts there.
        case coalesced
        /// No room; it counts in the event that says so.
        case overflowed
    }

    private struct Entry {
        var event: ErrorEvent
        /// Nil for an event that was handed out before: what repeats it from now on is told by another.
        var key: String?
    }

    /// The time in which equal reports count and are not sent.
    private struct Window {
        let ends: Instant
        /// Since the last event that told of them.
        var repeats = 0
        var latest: ErrorEvent
    }

    /// How many events wait at most, and how many causes are told apart.
    let limit: Int
    /// How long equal reports are one.
    let span: Duration
    private var waiting: Deque<Entry> = []
    private var windows: [String: Window] = [:]
    private var overflowed: [String: Int] = [:]

    init(limit: Int, span: Duration) {
        self.limit = limit
        self.span = span
    }

    /// - Parameter key: equal for reports of one cause.
    mutating func admit(_ event: ErrorEvent, key: String, now: Instant) -> Admission {
        if var window = windows[key], window.ends > now {
            window.repeats += 1
            window.latest = event
            windows[key] = window
            return .coalesced
        }
        follow(key, now)
        if windows.count >= limit { for old in Array(windows.keys) { follow(old, now) } }
        guard waiting.count < limit, windows.count < limit else {
            let name = "\(event.component).\(event.operation)"
            overflowed[overflowed.count < 20 || overflowed[name] != nil ? name : "others", default: 0] += 1
            return .overflowed
        }
        windows[key] = Window(ends: now + span, latest: event)
        waiting.append(Entry(event: event, key: key))
        return .queued
    }

    /// The next events to deliver, each with the number of reports it stands for.
    mutating func take(_ count: Int, now: Instant) -> [ErrorEvent] {
        for key in Array(windows.keys) { follow(key, now) }
        sayWhatOverflowed()
        var taken: [ErrorEvent] = []
        while taken.count < count, let entry = waiting.popFirst() {
            var event = entry.event
            if let key = entry.key, let repeats = windows[key]?.repeats, repeats > 0 {
                event = Self.counting(repeats + 1, event)
                windows[key]?.repeats = 0
            }
            taken.append(event)
        }
        return taken
    }

    /// Takes back what no net took, in its order and under its ids.
    mutating func putBack(_ events: [ErrorEvent]) {
        for event in events.reversed() { waiting.prepend(Entry(event: event, key: nil)) }
    }

    /// Tells of every repeat now: the process ends.
    mutating func endWindows(now: Instant) {
        for key in Array(windows.keys) { follow(key, now, evenIfOpen: true) }
    }

    /// Ends a window whose time is over; what repeated in it gets an event of its own.
    private mutating func follow(_ key: String, _ now: Instant, evenIfOpen: Bool = false) {
        guard let window = windows[key], window.ends <= now || evenIfOpen else { return }
        windows[key] = nil
        let index = waiting.firstIndex { $0.key == key }
        // A later window has an entry of its own.
        if let index { waiting[index].key = nil }
        guard window.repeats > 0 else { return }
        if let index {
            // What they repeat has not even left.
            waiting[index].event = Self.counting(window.repeats + 1, waiting[index].event)
        } else {
            waiting.append(Entry(event: Self.counting(window.repeats, window.latest), key: nil))
        }
    }

    private static func counting(_ occurrences: Int, _ event: ErrorEvent) -> ErrorEvent {
        var event = event
        event.details = (event.details ?? [:]).adding("\(occurrences)", as: .occurrences)
        return event
    }

    private mutating func sayWhatOverflowed() {
        guard !overflowed.isEmpty, waiting.count < limit else { return }
        let total = overflowed.values.reduce(0, +)
        let list = overflowed.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        waiting.append(
            Entry(
                event: ErrorEvent(
                    component: "reporting", operation: "queue", severity: .critical,
                    message: "reports found no room and are only in this process's log",
                    failureClass: .infrastructure,
                    details: [
                        DetailKey.occurrences: "\(total)",
                        DetailKey.leftOut: list.map { "\($0.key): \($0.value)" }.joined(separator: ", "),
                    ].named), key: nil))
        overflowed = [:]
    }

    var isEmpty: Bool { waiting.isEmpty && overflowed.isEmpty }
}
