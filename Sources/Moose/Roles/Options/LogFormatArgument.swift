internal import ArgumentParser
internal import Telemetry

/// How a process logs when its parent says so: `json`, `people` or `colour`.
struct LogFormatArgument: ExpressibleByArgument {
    let format: LogFormat

    init?(argument: String) {
        switch argument {
        case "json": format = .json
        case "people": format = .people(colour: false)
        case "colour": format = .people(colour: true)
        default: return nil
        }
    }

    /// The argument for a format.
    static func text(_ format: LogFormat) -> String {
        switch format {
        case .json: "json"
        case .people(let colour): colour ? "colour" : "people"
        }
    }
}
