internal import Subprocess
internal import SystemPackage

/// A program that takes part in a measurement.
struct BenchProgram: Sendable {
    /// A path, or a name that is looked up in PATH.
    let program: String
    var arguments: [String]
    /// Added to this process's own environment.
    var environment: [(name: String, value: String)] = []

    /// Runs it to its end and returns its standard output.
    /// - Throws: ``CommandFailure`` when it is missing or does not exit with 0.
    func run() async throws -> String {
        var added: [Environment.Key: String?] = [:]
        for (name, value) in environment { if let key = Environment.Key(rawValue: name) { added[key] = value } }
        let executable: Executable = program.contains("/") ? .path(.init(program)) : .name(program)
        let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
        do {
            result = try await Subprocess.run(
                executable, arguments: Arguments(arguments), environment: .inherit.updating(added), input: .none,
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        } catch let error as SubprocessError {
            throw CommandFailure("\(program) can't be run", why: "\(error)", next: "Install it, then run this again")
        }
        guard result.terminationStatus.isSuccess else {
            throw CommandFailure(
                "\(program) failed (\(result.terminationStatus))",
                why: String(result.standardError.suffix(2000)))
        }
        return result.standardOutput
    }
}
