internal import ArgumentParser

/// Runs a command; what goes wrong is printed on standard error as `moose: what. why. what to do next.`, and the
/// process exits with its ``ExitStatus``.
func runCommand(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let code as ExitCode {
        // The command has said why itself.
        throw code
    } catch let request as CleanExit {
        throw request
    } catch {
        let failure = CommandFailure(reporting: error)
        StandardError.write(failure.description + "\n")
        throw ExitCode(failure.status.rawValue)
    }
}
