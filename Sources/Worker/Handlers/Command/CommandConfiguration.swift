/// How a `command` handler starts its program: the `command:` part of a handler in `moose.yaml`, resolved.
package struct CommandConfiguration: Sendable, Equatable {
    /// The program and its arguments; no shell reads them. A program with a slash is a path, relative to
    /// ``workingDirectory``; one without is looked up in `PATH`.
    package var argv: [String]
    /// Names of the worker's environment variables that are passed on. Default `PATH` only.
    package var environment: [String]
    /// Where the program runs, absolute; nil is the worker's own working directory.
    package var workingDirectory: String?
    /// How many of the last bytes of standard output and error are kept. Default 65,536.
    package var outputLimitBytes: Int
    /// How long the process group has between SIGTERM and SIGKILL. Default 5 s.
    package var terminationGrace: Duration

    package init(
        argv: [String], environment: [String] = ["PATH"], workingDirectory: String? = nil,
        outputLimitBytes: Int = 65_536, terminationGrace: Duration = .seconds(5)
    ) {
        self.argv = argv
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.outputLimitBytes = outputLimitBytes
        self.terminationGrace = terminationGrace
    }
}
