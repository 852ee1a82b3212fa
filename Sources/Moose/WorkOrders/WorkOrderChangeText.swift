internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// What became of the orders an operator named: a line or an object each.
enum WorkOrderChangeText {
    /// - Parameter words: what to say of one, and whether that is a refusal.
    /// - Throws: `ExitCode` with ``ExitStatus/refused`` when any was refused.
    static func show(
        _ changes: [WorkOrderChange], _ common: CommonOptions,
        words: (WorkOrderChange) -> (text: String, isRefused: Bool)
    ) throws {
        if common.json { print(try JSONOutput.text(list: changes.map(\.json)), terminator: "") }
        var isRefused = false
        for change in changes {
            let (text, refused) = words(change)
            isRefused = isRefused || refused
            let line = "\(change.id.uuidString.lowercased()) \(text)"
            if refused {
                StandardError.write("moose: \(line).\n")
            } else if !common.json {
                print(line)
            }
        }
        if isRefused { throw ExitCode(ExitStatus.refused.rawValue) }
    }
}
