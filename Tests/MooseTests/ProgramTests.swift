import Subprocess
import SystemPackage
import TestSupport
import Testing

/// The program itself, where only its exit code and what it writes can tell.
struct ProgramTests {
    private static let show = "\"$MOOSE\" config show --config deploy/examples/moose.yaml"

    @Test(arguments: [show, show + " --json", "\"$MOOSE\" --help"])
    func `an answer that can't be written is a failure`(command: String) async throws {
        let (output, error) = try await run("\(command) >/dev/full; echo $?")
        #expect(output == "1\n")
        // Of a long answer a part has failed before, for a reason that is lost.
        #expect(error.hasPrefix("moose: the answer could not be written to standard output."))
        #expect(error.split(separator: "\n").count == 1)
        #expect(try await run("\(command) >/dev/null; echo $?") == ("0\n", ""))
    }

    @Test func `an answer that nobody reads any more is none`() async throws {
        let (output, error) = try await run("{ sleep 0.2; \(Self.show); echo $? >&2; } | true")
        #expect(output.isEmpty)
        #expect(error == "0\n")
    }

    /// The second is the name that the first had before.
    @Test(arguments: ["--listen", "--http-port"])
    func `what is wrong with the command line is told once, with status 2`(option: String) async throws {
        let (output, error) = try await run("\"$MOOSE\" client-manager \(option) 99999; echo $?")
        #expect(output == "2\n")
        let why = "it has a port that isn't a number from 0 to 65535"
        #expect(error.hasPrefix("Error: ") && error.ranges(of: why).count == 1, "\(error)")
    }

    @Test func `an argument that is no text is refused before anything is done with it`() async throws {
        let order = #""$MOOSE" publish --kind k --title t --payload "$(printf '"a\377b"')"; echo $?"#
        let (output, error) = try await run(order)
        #expect(output == "2\n")
        #expect(error.hasPrefix("moose: argument 7 is not valid UTF-8"))
    }

    @Test(arguments: [
        "printf '%0100000d' 0 | tr 0 '['", "printf 'lanes: '; printf '%0100000d' 0 | tr 0 '{'",
        "i=0; while [ $i -lt 2000 ]; do printf '%*sa:\\n' $i ''; i=$((i + 1)); done",
        "printf 'a: '; printf '%020000d' 0 | sed 's/0/- /g'", "printf 'a: '; printf '%020000d' 0 | sed 's/0/? /g'",
    ]) func `a settings file as deep as it may be is refused in words`(_ text: String) async throws {
        let (output, error) = try await run(
            "f=$(mktemp) && { \(text); } > \"$f\"; \"$MOOSE\" config show --config \"$f\"; echo $?; rm \"$f\"")
        #expect(output == "2\n")
        #expect(error.hasPrefix("moose: ") && !error.contains("Fatal"))
    }

    @Test func `a stack that was never started isn't ready`() async throws {
        let (output, error) = try await run("\"$MOOSE\" stack status --folder /nowhere/at/all; echo $?")
        #expect(output == "3\n")
        #expect(error.hasPrefix("moose: no private stack in /nowhere/at/all. "))
    }

    /// Runs the lines of a shell in the clone's root.
    private func run(_ script: String) async throws -> (output: String, error: String) {
        let moose = Repository.path(".build/debug/moose")
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", "cd \"$1\" && \(script)", "sh", Repository.path("")],
            environment: .inherit.updating(["MOOSE": moose]), output: .string(limit: 100_000),
            error: .string(limit: 100_000))
        return (result.standardOutput, result.standardError)
    }
}
