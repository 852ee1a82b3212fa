internal import ArgumentParser
internal import Stack

/// `moose stack start`.
struct StackStart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start both servers, or find them running.",
        discussion: """
            EXAMPLES
              moose stack start
              moose stack start --folder /tmp/try --consumer-timeout-seconds 60
            """
    )

    @OptionGroup var place: StackFolder

    @Option(help: "Seconds a consumer may hold a delivery unacknowledged (RabbitMQ's own default: 1800).")
    var consumerTimeoutSeconds: Int?

    @Option(help: "Seconds between the broker's looks for such consumers (RabbitMQ's own default: 60).")
    var channelTickSeconds: Int?

    func validate() throws {
        for seconds in [consumerTimeoutSeconds, channelTickSeconds] {
            if let seconds, !(1...86_400).contains(seconds) { throw ValidationError("Seconds go from 1 to 86400.") }
        }
    }

    func run() async throws {
        let options = StackOptions(
            consumerTimeout: consumerTimeoutSeconds.map { seconds in .seconds(seconds) },
            channelTickInterval: channelTickSeconds.map { seconds in .seconds(seconds) }
        )
        let addresses = try await Stack(folder: place.folder, options: options).start()
        print("Started. \(addresses).")
        print("Use it here: eval \"$(moose stack env)\"")
    }
}
