/// A program that is started for each attempt, without a shell.
package struct CommandSettings: Sendable, Equatable {
    /// The program and its arguments. A program without a slash is looked up in `PATH`; a relative path is relative to
    /// ``workingDirectory``.
    package var argv: [String]
    /// The names of the worker's environment variables that are passed on; all others are withheld. Default `PATH`.
    package var environment: [String]
    /// The folder the program starts in, absolute. Default: the folder of `moose.yaml`, else the current one.
    package var workingDirectory: String
    /// How much of the program's output is kept, in bytes; what comes after is read and dropped. Default 65,536.
    package var outputLimitBytes: Int
    /// The arguments as written in the file, before `${NAME}` was filled in: what may be shown.
    package var shownArgv: [String]

    /// A command; `shownArgv` nil means that the arguments hold no secret.
    package init(
        argv: [String],
        environment: [String] = ["PATH"],
        workingDirectory: String,
        outputLimitBytes: Int = 65_536,
        shownArgv: [String]? = nil
    ) {
        self.argv = argv
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.outputLimitBytes = outputLimitBytes
        self.shownArgv = shownArgv ?? argv
    }
}
