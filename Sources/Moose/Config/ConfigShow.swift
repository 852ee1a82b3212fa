internal import ArgumentParser
internal import Settings

/// `moose config show`.
struct ConfigShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Check the configuration and print what is in force, without its secrets.",
        discussion: """
            Values come from the environment (MOOSE_AMQP_URL, MOOSE_DATABASE_URL), then the file, then the defaults. All \
            mistakes are reported at once, with their lines; the exit code is then 2.

            EXAMPLES
              moose config show
              moose config show --config deploy/moose.yaml
              moose config show --json | jq .lanes
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            if common.json {
                print(try JSONOutput.text(settings.shown), terminator: "")
            } else {
                print("# \(settings.file.map { "From \($0)" } ?? "No file"), the environment and the defaults.")
                print(settings.description, terminator: "")
            }
        }
    }
}
