/// The levels `MOOSE_LOG_LEVEL` knows, from the most to the least talkative; the raw values are swift-log's.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}
