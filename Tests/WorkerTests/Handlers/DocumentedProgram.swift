import Subprocess
import SystemPackage
import TestSupport

/// A program of the documentation, run as its reader would: by a shell, in the folder of the examples.
struct DocumentedProgram {
    let succeeded: Bool
    let status: String
    let lines: [String]
    let complaint: String

    /// - Parameter amqpURL: where the programs look for the broker, by the variable they name.
    static func run(_ command: String, input: String = "", amqpURL: String) async throws -> DocumentedProgram {
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-euc", command],
            environment: .inherit.updating(["MOOSE_AMQP_URL": amqpURL]),
            workingDirectory: FilePath(Repository.path("docs/examples")), input: .string(input),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return DocumentedProgram(
            succeeded: result.terminationStatus.isSuccess, status: "\(result.terminationStatus)",
            lines: result.standardOutput.split(separator: "\n").map(String.init), complaint: result.standardError)
    }
}
