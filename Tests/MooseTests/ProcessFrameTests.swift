import Glibc
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import Moose

/// How a role begins and ends, whatever started it.
struct ProcessFrameTests {
    /// A server that takes connections and says nothing: whoever connects waits for it.
    private final class SilentServer: Sendable {
        let port: Int
        private let socket: Int32

        init() throws {
            socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = socket
            let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe bind(descriptor, address, size) + listen(descriptor, 16)
                        + getsockname(descriptor, address, &size)
                }
            }
            try #require(status == 0)
            port = Int(UInt16(bigEndian: address.sin_port))
        }

        deinit { close(socket) }
    }

    /// Waits until the process of `$p` listens to signals.
    private static let listens =
        "until cat /proc/$p/task/*/comm 2>/dev/null | grep -q moose-signals; do sleep 0.05; done"

    /// Starts a role that hangs at its connections, in the background as `$p`, then runs the script.
    private func run(
        _ role: String, prefix: String = "", environment: [Environment.Key: String?] = [:], _ script: String
    ) async throws -> (output: String, error: String) {
        let server = try SilentServer()
        let moose = Repository.path(".build/debug/moose")
        var added: [Environment.Key: String?] = [
            "MOOSE": moose, "MOOSE_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:\(server.port)/m",
            "MOOSE_AMQP_URL": "amqp://u:hunter2@127.0.0.1:\(server.port)/v",
        ]
        added.merge(environment) { $1 }
        let result = try await Subprocess.run(
            .path("/bin/sh"),
            arguments: ["-c", "cd /; \(prefix) \"$MOOSE\" \(role) & p=$!; \(Self.listens); \(script)"],
            environment: .inherit.updating(added), output: .string(limit: 100_000), error: .string(limit: 100_000))
        withExtendedLifetime(server) {}
        return (result.standardOutput, result.standardError)
    }

    @Test(
        arguments: ["worker", "client-manager", "mission-control"], ["TERM", "INT", "HUP"])
    func `a signal ends a role that still connects, at once and in good order`(role: String, signal: String)
        async throws
    {
        let (output, error) = try await run(role, "kill -\(signal) $p; wait $p; echo $?")
        #expect(output == "0\n")
        #expect(error.contains("stopped before it took work") && error.contains("SIG\(signal)"))
    }

    @Test func `what nobody means for Moose is ignored, and what nohup ignores stays so`() async throws {
        let script =
            "for s in USR1 USR2 TTOU HUP; do kill -$s $p; done; sleep 0.3; kill -0 $p && echo lives; "
            + "kill -TERM $p; wait $p; echo $?"
        let (output, _) = try await run("worker", prefix: "nohup", script)
        #expect(output == "lives\n0\n")
    }

    @Test func `whoever ignored the ends of processes, a role sees those of its own`() async throws {
        let (output, _) = try await run(
            "worker", prefix: "env --ignore-signal=CHLD",
            "echo $((0x$(awk '/SigIgn/ {print $2}' /proc/$p/status) & 0x10000)); kill -TERM $p; wait $p; echo $?")
        #expect(output == "0\n0\n")
    }

    @Test func `nothing of the environment can be read from outside`() async throws {
        let (output, _) = try await run(
            "worker",
            "tr -d '\\0' </proc/$p/environ | wc -c; kill -TERM $p; wait $p")
        #expect(output == "0\n")
    }

    @Test func `standard descriptors that are closed are not taken by a connection`() async throws {
        let (output, _) = try await run(
            "worker <&- >&- 2>&-",
            "readlink /proc/$p/fd/0 /proc/$p/fd/1 /proc/$p/fd/2; kill -TERM $p; wait $p")
        #expect(output == "/dev/null\n/dev/null\n/dev/null\n")
    }

    @Test(arguments: [("relative", "TMPDIR, relative, is not an absolute path"), ("/no/such", "TMPDIR, /no/such")])
    func `a folder for temporary files that is of no use is told before anything else`(folder: String, words: String)
        async throws
    {
        let (output, error) = try await plain("worker", prefix: "", environment: ["TMPDIR": folder])
        #expect(output == "2\n")
        #expect(error.contains(words))
    }

    @Test func `slots that don't fit into the limits are refused with both numbers`() async throws {
        let (output, error) = try await plain("worker --lane default:100", prefix: "ulimit -n 230;")
        #expect(output == "2\n")
        // How many it needs for itself depends on the machine's processors.
        #expect(error.contains("may open 230 files here, and needs ") && error.contains(" for 100 slots"))
    }

    private func plain(
        _ role: String, prefix: String, environment: [Environment.Key: String?] = [:]
    ) async throws -> (output: String, error: String) {
        var added: [Environment.Key: String?] = ["MOOSE": Repository.path(".build/debug/moose")]
        added.merge(environment) { $1 }
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", "cd /; \(prefix) \"$MOOSE\" \(role); echo $?"],
            environment: .inherit.updating(added), output: .string(limit: 100_000), error: .string(limit: 100_000))
        return (result.standardOutput, result.standardError)
    }

    @Test func `what is no secret stands in a process's environment, and all else is handed over`() throws {
        let (open, handed) = Handover.split([
            "PATH": "/bin", "LC_ALL": "C", "MOOSE_DATABASE_URL": "postgresql://u:p@h/d", "ANY": "a=b\nc", "LD_X": "1",
        ])
        #expect(open == ["PATH": "/bin", "LC_ALL": "C", "LD_X": "1", "MOOSE_HANDOVER": "1"])
        let body = "ANY=a=b\nc\0MOOSE_DATABASE_URL=postgresql://u:p@h/d\0"
        #expect(String(decoding: handed, as: UTF8.self) == "\(body.utf8.count)\n\(body)")
    }

    @Test func `a process finds what was handed over where it looks for it`() async throws {
        let (output, error) = try await plain(
            "worker", prefix: #"printf '29\nMOOSE_LOG_LEVEL=nonsense!!!!\0' |"#, environment: ["MOOSE_HANDOVER": "1"])
        #expect(output == "2\n")
        #expect(error.contains("MOOSE_LOG_LEVEL"))
    }
}
