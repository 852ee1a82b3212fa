import Yams

/// A program that is started for each attempt, without a shell.
package struct CommandSettings: Sendable, Equatable {
    /// The program and its arguments. A program without a slash is looked up in `PATH`; a relative path is relative to
    /// ``workingDirectory``. Key `argv`.
    package var argv: [String]
    /// The names of the worker's environment variables that are passed on; all others are withheld. Default `PATH`.
    /// Key `environment`.
    package var environment: [String]
    /// The folder the program starts in, absolute. Default: the folder of `moose.yaml`, else the current one.
    /// Key `working_directory`.
    package var workingDirectory: String
    /// How much of the program's output is kept, in bytes; what comes after is read and dropped. Default 65,536.
    /// Key `output_limit_bytes`.
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

extension CommandSettings {
    /// The key it stands under in an entry of `handlers`.
    static let key = "command"

    /// What the block says; nil with mistakes noted.
    /// - Parameter folder: resolves the working directory; absolute.
    init?(_ field: Field, folder: String) {
        let keys = ["argv", "environment", "working_directory", "output_limit_bytes"]
        guard let section = Section(field)?.knowing(keys) else { return nil }
        let words = section["argv"]?.items(of: "words")
        let argv = words?.compactMap { $0.text() }
        let shown = words?.compactMap { $0.node.scalar?.string }
        if section["argv"] == nil || argv?.first?.isEmpty == true || words?.isEmpty == true {
            section.fail("has no program to start: set argv: [program, argument, ...]")
        }
        let names = section["environment"]?.items(of: "names of variables").map { $0.compactMap(Self.variableName) }
        let directory = section["working_directory"]?.text(expected: "a folder") ?? "."
        let limit = section["output_limit_bytes"]?.integer(in: 0...67_108_864, unit: "bytes")
        guard let argv, let shown, !argv.isEmpty else { return nil }
        self.init(
            argv: argv,
            environment: names ?? ["PATH"],
            workingDirectory: ConfigFile.resolve(directory, in: folder),
            outputLimitBytes: limit ?? 65_536,
            shownArgv: shown
        )
    }

    private static func variableName(_ field: Field) -> String? {
        guard let name = field.text(expected: "the name of a variable") else { return nil }
        if Expansion.isVariableName(name) { return name }
        field.fail("should be the name of an environment variable, without $ and without a value")
        return nil
    }

    var shown: ShownValue {
        .block([
            ("argv", .texts(shownArgv)),
            ("environment", .texts(environment)),
            ("working_directory", .text(workingDirectory)),
            ("output_limit_bytes", .integer(outputLimitBytes)),
        ])
    }
}
