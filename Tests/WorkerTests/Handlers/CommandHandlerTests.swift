import FoundationEssentials
import Glibc
import Testing
import WorkOrders

@testable import Worker

/// Real programs, real files, real exit codes.
struct CommandHandlerTests {
    private let bench: CommandHandlerTestsBench

    init() throws { bench = try CommandHandlerTestsBench() }

    @Test func `a command reads the order from its input and hands back result, cost and tokens`() async throws {
        let job = CommandHandlerTestsBench.job(#"{"kind":"k","title":"Füße 🫎","n":1.50}"#, attempt: 3)
        let outcome = try await bench.run(
            #"""
            { printf '{"result":'; cat; printf ',"cost_usd":"0.0123","tokens_in":10,"tokens_out":20}'; } > "$MOOSE_RESULT_FILE"
            echo done
            """#, job: job)
        #expect(outcome.isCompleted)
        #expect(
            outcome.resultText
                == "{\"id\":\"\(job.id.uuidString.lowercased())\",\"attempt\":3,\"kind\":\"k\",\"title\":\"Füße 🫎\",\"n\":1.50}"
        )
        #expect(outcome.report.cost == MicroUSD(decimal: "0.0123"))
        #expect(outcome.report.tokensIn == 10)
        #expect(outcome.report.tokensOut == 20)
        #expect(outcome.report.output == "done\n")
        #expect(outcome.report.didStart)
    }

    @Test func `a command without a result file or output is done all the same`() async throws {
        let outcome = try await bench.run("exit 0")
        #expect(outcome.isCompleted)
        #expect(outcome.report == AttemptReport(didStart: true))
    }

    @Test func `only the promised and the allowed variables reach a command`() async throws {
        let job = CommandHandlerTestsBench.job(
            attempt: 2, traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        // Any other variable of this process: which ones there are depends on who runs the tests.
        let others = ProcessInfo.processInfo.environment.filter { $0.key != "PATH" && !$0.value.contains("\n") }
        let allowed = try #require(others.keys.min())
        let handler = bench.handler(
            CommandConfiguration(argv: ["/usr/bin/env"], environment: ["PATH", allowed, "MOOSE_TEST_ABSENT"]))
        let lines = (await handler.run(job).report.output ?? "").split(separator: "\n")
        let names = Set(lines.map { $0.prefix { $0 != "=" } })
        #expect(
            names == [
                "PATH", Substring(allowed), "MOOSE_WORK_ORDER_ID", "MOOSE_ATTEMPT", "MOOSE_RESULT_FILE", "TRACEPARENT",
            ])
        #expect(lines.contains("MOOSE_ATTEMPT=2"))
        #expect(lines.contains("MOOSE_WORK_ORDER_ID=\(job.id.uuidString.lowercased())"))
        #expect(lines.contains("TRACEPARENT=\(job.traceparent ?? "")"))
    }

    @Test func `the hold, the model and its tokens are variables where there are any`() async throws {
        let job = CommandHandlerTestsBench.job(
            estimate: MicroUSD(microdollars: 50_000), allowance: Allowance(model: "small-model", maxTokens: 1234))
        let lines = (try await bench.run("env", job: job).report.output ?? "").split(separator: "\n")
        #expect(lines.contains("MOOSE_HOLD_USD=0.05"))
        #expect(lines.contains("MOOSE_MAX_TOKENS=1234"))
        #expect(lines.contains("MOOSE_MODEL=small-model"))
        let fixed = CommandHandlerTestsBench.job(estimate: MicroUSD(microdollars: 50_000))
        let output = try await bench.run("env", job: fixed).report.output ?? ""
        #expect(output.contains("MOOSE_HOLD_USD=0.05") && !output.contains("MOOSE_M"))
    }

    @Test func `no trace context is no variable`() async throws {
        let outcome = try await bench.run("env")
        #expect(outcome.report.output?.contains("TRACEPARENT") == false)
    }

    @Test(arguments: [
        (1, FailureClass.unknown, true), (2, .unknown, true), (127, .infrastructure, true), (255, .unknown, true),
        (75, .infrastructure, true), (65, .invalidInput, false), (78, .infrastructure, false),
    ])
    func `an exit code says what failed and whether to try again`(
        code: Int, failureClass: FailureClass, isRetried: Bool
    ) async throws {
        let outcome = try await bench.run("echo first; echo last words >&2; exit \(code)")
        #expect(outcome.failure?.failureClass == failureClass)
        #expect(outcome.failure?.retry == (isRetried ? .backoff : .never))
        #expect(outcome.failure?.message == "the command ended with exit code \(code): last words")
        #expect(outcome.failure?.facts == [.exitCode: "\(code)"])
        #expect(outcome.report.output == "first\nlast words\n")
        #expect(outcome.report.didStart)
    }

    @Test(arguments: [
        (#"{"error":"2 of 9 tests failed","failure_class":"test_fail"}"#, 1, FailureClass.testFail, true),
        (#"{"error":"2 of 9 tests failed","failure_class":"test_fail","retry":false}"#, 1, .testFail, false),
        (#"{"error":"2 of 9 tests failed","failure_class":"no such class"}"#, 1, .unknown, true),
        (#"{"error":"2 of 9 tests failed","retry":true}"#, 65, .invalidInput, true),
        (#"{"error":"2 of 9 tests failed","retry":false}"#, 75, .infrastructure, false),
    ])
    func `a failed command may say more in its result file`(
        file: String, code: Int, failureClass: FailureClass, isRetried: Bool
    ) async throws {
        let outcome = try await bench.run("printf '%s' '\(file)' > \"$MOOSE_RESULT_FILE\"; exit \(code)")
        #expect(
            outcome.failure
                == AttemptFailure(
                    failureClass, "2 of 9 tests failed", retry: isRetried ? .backoff : .never,
                    facts: [.exitCode: "\(code)"]))
        #expect(outcome.report.output == nil)
    }

    @Test func `a long error is kept whole beside its first words, and a very long one by its ends`() async throws {
        let lines = (1...200).map { "line \($0) of the trace" }.joined(separator: "\\n")
        let long = try await bench.run(
            #"echo hm; printf '%s' '{"error":"\#(lines)"}' > "$MOOSE_RESULT_FILE"; exit 1"#)
        #expect(long.failure?.message.hasPrefix("line 1 of the trace line 2 of") == true)
        #expect(long.failure?.message.count == 300)
        let output = try #require(long.report.output)
        #expect(output.hasPrefix("hm\nThe error:\nline 1 of the trace\nline 2 of"))
        #expect(output.hasSuffix("\nline 200 of the trace"))

        let huge = PlainText.whole("α" + String(repeating: "äö", count: 50_000) + "ω")
        #expect(huge.utf8.count <= 65_536 + 60)
        #expect(huge.hasPrefix("αäö") && huge.hasSuffix("äöω"))
        #expect(huge.contains(" bytes are left out …"))
        #expect(!huge.contains("\u{FFFD}"))
        #expect(PlainText.whole("a\0b") == "a\u{FFFD}b")
    }

    @Test(arguments: [
        "garbage", "{", "[1]", "\"text\"", "null", #"{"result":1,}"#, #"{"result":1} {}"#, #"{"cost_usd":NaN}"#,
        #"{"result":1,"result":2}"#, #"{"result":1,"r\u0065sult":1}"#, #"{"snooze_seconds":1,"snooze_seconds":2}"#,
        #"{"pull_request":1,"pull_request":2}"#, #"{"pull_request":"x"}"#,
    ])
    func `a command that succeeds with a bad result file has malformed output`(file: String) async throws {
        let outcome = try await bench.run("printf '%s' '\(file)' > \"$MOOSE_RESULT_FILE\"")
        #expect(outcome.failure?.failureClass == .malformedOutput)
        #expect(outcome.failure?.retry == .backoff)
        #expect(outcome.report.cost == nil)
        #expect(outcome.report.result == nil)
        // A person sees what it wrote; and what may have been paid for isn't run again because of its form.
        #expect(outcome.report.output?.hasSuffix("The result file:\n" + file) == true)
        let paid = CommandHandlerTestsBench.job(estimate: MicroUSD(microdollars: 1))
        #expect(
            try await bench.run("printf '%s' '\(file)' > \"$MOOSE_RESULT_FILE\"", job: paid).failure?.retry == .never)
    }

    @Test(arguments: [
        (#"{"cost_usd":"-1","result":1}"#, "cost_usd"), (#"{"cost_usd":-0.01,"result":1}"#, "cost_usd"),
        (#"{"cost_usd":"NaN","result":1}"#, "cost_usd"), (#"{"cost_usd":1e30,"result":1}"#, "cost_usd"),
        (#"{"cost_usd":true,"result":1}"#, "cost_usd"), (#"{"cost_usd":[],"result":1}"#, "cost_usd"),
        (#"{"cost_usd":"","result":1}"#, "cost_usd"), (#"{"cost_usd":"0.01, 5","result":1}"#, "cost_usd"),
        (#"{"cost_usd":"\ud800","result":1}"#, "cost_usd"),
        (
            #"{"cost_usd":"0.01","cost_usd":"5","result":1}"#,
            "cost_usd in the result file can't be read (it stands twice"
        ),
        (#"{"cost_usd":"0.01","cost\u005fusd":"5","result":1}"#, "cost_usd"),
        (#"{"tokens_in":-1,"result":1}"#, "tokens_in"), (#"{"tokens_out":"many","result":1}"#, "tokens_out"),
        (#"{"tokens_in":1.5,"result":1}"#, "tokens_in"), (#"{"error":7,"result":1}"#, "error"),
        (#"{"retry":"no","result":1}"#, "retry"), (#"{"retry_after_seconds":-1,"result":1}"#, "retry_after_seconds"),
        (#"{"x":1,"x":2,"result":1}"#, "a name stands twice"), (#"{"x":{"a":{"y":1,"y":2}},"result":1}"#, "twice"),
    ])
    func `work that was done stays done whatever the file says of its cost, and a person is told`(
        file: String, words: String
    ) async throws {
        let outcome = try await bench.run("printf '%s' '\(file)' > \"$MOOSE_RESULT_FILE\"")
        #expect(outcome.isCompleted)
        #expect(outcome.resultText == "1")
        #expect(outcome.report.cost == nil)
        #expect(outcome.report.unread?.words.contains(words) == true, "\(outcome.report.unread?.words ?? "nothing")")
    }

    @Test(arguments: [
        (#"{"cost_usd":"1e-05","result":1}"#, 10), (#"{"cost_usd":1e-05,"result":1}"#, 10),
        (#"{"cost_usd":".00001","result":1}"#, 10), (#"{"cost_usd":"+0.00001","result":1}"#, 10),
        (#"{"cost_usd":"1.5e-05","result":1}"#, 15), (#"{"cost_usd":" 0.5\n","result":1}"#, 500_000),
        (#"{"cost_usd":"\ufeff0.5","result":1}"#, 500_000), (#"{"cost_usd":1e-300,"result":1}"#, 1),
        ("\u{FEFF}{\"cost_usd\":\"0.01\",\"result\":1}", 10_000),
        (#"{"cost_usd":0.12345678901234567890123456789012345678901234567890,"result":1}"#, 123_457),
    ])
    func `a cost is read in every form in which a language prints one`(file: String, micro: Int64) async throws {
        let outcome = try await bench.run("printf '%s' '\(file)' > \"$MOOSE_RESULT_FILE\"")
        #expect(outcome.resultText == "1")
        #expect(outcome.report.cost == MicroUSD(microdollars: micro))
        #expect(outcome.report.unread == nil)
    }

    @Test func `tokens may be texts, and a file may be UTF-16 or empty`() async throws {
        let texts = try await bench.run(
            #"printf '{"tokens_in":"12","tokens_out":3.0,"result":"x"}' | iconv -t UTF-16 > "$MOOSE_RESULT_FILE""#)
        #expect(texts.report.tokensIn == 12)
        #expect(texts.report.tokensOut == 3)
        #expect(texts.resultText == "\"x\"")
        #expect(texts.report.unread == nil)
        let empty = try await bench.run(": > \"$MOOSE_RESULT_FILE\"")
        #expect(empty.isCompleted)
        #expect(empty.report.unread?.words == "the result file is empty")
    }

    @Test func `a result file of binary noise or ten thousand levels is malformed and crashes nothing`() async throws {
        for writer in [
            #"printf '{"result":"\377\376"}'"#, "head -c 100000 /dev/urandom",
            #"{ printf '{"result":'; head -c 10000 /dev/zero | tr '\0' '['; }"#,
            #"{ printf '{"result":'; head -c 10000 /dev/zero | tr '\0' '['; head -c 10000 /dev/zero | tr '\0' ']'; printf '}'; }"#,
        ] {
            let outcome = try await bench.run(writer + " > \"$MOOSE_RESULT_FILE\"")
            #expect(outcome.failure?.failureClass == .malformedOutput, "\(writer)")
        }
    }

    @Test func `a result file may fill its limit and no more`() async throws {
        let frame = #"{"result":""}"#.utf8.count
        func script(_ size: Int) -> String {
            #"{ printf '{"result":"'; head -c \#(size - frame) /dev/zero | tr '\0' x; printf '"}'; } > "$MOOSE_RESULT_FILE""#
        }
        #expect(try await bench.run(script(1_048_576)).report.result?.count == 1_048_576 - frame + 2)
        #expect(try await bench.run(script(1_048_577)).failure?.failureClass == .malformedOutput)
        #expect(try await bench.run(script(50_000_000)).failure?.failureClass == .malformedOutput)
    }

    @Test(arguments: [
        "mkfifo \"$MOOSE_RESULT_FILE\"", "mkdir \"$MOOSE_RESULT_FILE\"", "ln -s /etc/passwd \"$MOOSE_RESULT_FILE\"",
        "ln -s /dev/zero \"$MOOSE_RESULT_FILE\"",
    ])
    func `something else in the result file's place is neither followed nor waited for`(trick: String) async throws {
        let outcome = try await bench.run(trick)
        #expect(outcome.failure?.failureClass == .malformedOutput)
    }

    @Test func `a folder full of leftovers is removed`() async throws {
        let outcome = try await bench.run(
            #"cd "$(dirname "$MOOSE_RESULT_FILE")" && mkdir -p a/b/c && touch a/b/c/d .hidden && ln -s / a/root"#)
        #expect(outcome.isCompleted)
    }

    @Test func `a numeric cost is read exactly`() async throws {
        let outcome = try await bench.run(#"printf '{"cost_usd":0.1}' > "$MOOSE_RESULT_FILE""#)
        #expect(outcome.report.cost == MicroUSD(microdollars: 100_000))
    }

    @Test func `a failed command keeps the cost it reported`() async throws {
        let outcome = try await bench.run(#"printf '{"cost_usd":"2.5","tokens_in":3}' > "$MOOSE_RESULT_FILE"; exit 1"#)
        #expect(outcome.report.cost == MicroUSD(microdollars: 2_500_000))
        #expect(outcome.report.tokensIn == 3)
    }

    @Test func `an escaped NUL in a result stays as it is written`() async throws {
        let outcome = try await bench.run(#"printf '%s' '{"result":{"a":"\u0000"}}' > "$MOOSE_RESULT_FILE""#)
        #expect(outcome.resultText == #"{"a":"\u0000"}"#)
    }

    @Test func `a program that is missing fails for good and names itself`() async throws {
        for argv in [["moose-no-such-program"], ["/no/such/program"], ["./missing.sh"]] {
            let outcome = await bench.handler(CommandConfiguration(argv: argv, workingDirectory: bench.root))
                .run(CommandHandlerTestsBench.job())
            #expect(outcome.failure?.failureClass == .infrastructure)
            #expect(outcome.failure?.retry == .never)
            #expect(outcome.failure?.message.hasPrefix("the program \(argv[0]) is missing") == true)
            #expect(!outcome.report.didStart)
            #expect(try bench.leftInScratch.isEmpty)
        }
    }

    @Test(arguments: [
        ("#!/bin/sh\nexit 0\n", mode_t(0o600), "the program ./program is not executable"),
        ("#!/no/such/interpreter\n", 0o700, "the program ./program can't be executed"),
        ("no program at all", 0o700, "program could not be started"),
    ])
    func `a file that can't be executed fails for good`(content: String, mode: mode_t, words: String) async throws {
        let path = bench.root + "/program"
        try Data(content.utf8).write(to: URL(filePath: path))
        #expect(unsafe chmod(path, mode) == 0)
        let outcome = await bench.handler(CommandConfiguration(argv: ["./program"], workingDirectory: bench.root))
            .run(CommandHandlerTestsBench.job())
        #expect(outcome.failure?.message.contains(words) == true, "\(outcome)")
        #expect(outcome.failure?.failureClass == .infrastructure)
        #expect(outcome.failure?.retry == .never)
        #expect(!outcome.report.didStart)
        #expect(try bench.leftInScratch.isEmpty)
    }

    @Test(arguments: ["/no/such/folder", "/etc/passwd"])
    func `a working directory that can't be entered fails for good`(directory: String) async throws {
        let outcome = await bench.handler(CommandConfiguration(argv: ["/bin/true"], workingDirectory: directory))
            .run(CommandHandlerTestsBench.job())
        #expect(outcome.failure?.failureClass == .infrastructure)
        #expect(outcome.failure?.retry == .never)
        #expect(outcome.failure?.message.contains(directory) == true)
        #expect(!outcome.report.didStart)
        #expect(try bench.leftInScratch.isEmpty)
    }

    @Test func `an argv that names nothing, or holds NUL, starts nothing`() async throws {
        for argv in [[], [""], ["/bin/echo", "a\0b"]] {
            let outcome = await bench.handler(CommandConfiguration(argv: argv)).run(CommandHandlerTestsBench.job())
            #expect(outcome.failure?.retry == .never)
            #expect(!outcome.report.didStart)
        }
    }

    @Test func `a program's path is relative to the working directory`() async throws {
        try Data("#!/bin/sh\npwd\n".utf8).write(to: URL(filePath: bench.root + "/program"))
        _ = unsafe chmod(bench.root + "/program", 0o700)
        let outcome = await bench.handler(CommandConfiguration(argv: ["./program"], workingDirectory: bench.root))
            .run(CommandHandlerTestsBench.job())
        #expect(outcome.report.output == bench.root + "\n")
    }

    @Test func `no shell reads the arguments`() async throws {
        let outcome = await bench.handler(CommandConfiguration(argv: ["/bin/echo", "$HOME; `id` && *", "", "ü"]))
            .run(CommandHandlerTestsBench.job())
        #expect(outcome.report.output == "$HOME; `id` && *  ü\n")
    }

    @Test func `a full disk or a missing temporary folder is no fault of the order`() async throws {
        let scratch = try ScratchSpace(root: "/no/such/folder")
        let outcome = await CommandHandler(CommandConfiguration(argv: ["/bin/true"]), scratch: scratch)
            .run(CommandHandlerTestsBench.job())
        #expect(outcome.hostFault?.failureClass == .infrastructure)
        #expect(outcome.hostFault?.message.contains("no temporary folder could be made in /no/such/folder") == true)
        #expect(!outcome.report.didStart)
        #expect(await scratch.probe()?.contains("/no/such/folder") == true)
    }

    @Test func `a command starts with three open files and no more`() async throws {
        let outcome = await bench.handler(CommandConfiguration(argv: ["/bin/ls", "/proc/self/fd"]))
            .run(CommandHandlerTestsBench.job())
        // The fourth is the folder that ls itself reads.
        #expect(outcome.report.output == "0\n1\n2\n3\n")
    }

    @Test func `many attempts, good and bad, leave no file open`() async throws {
        for _ in 0..<20 {
            _ = try await bench.run("exit 0")
            _ = await bench.handler(CommandConfiguration(argv: ["/no/such/program"])).run(
                CommandHandlerTestsBench.job())
            _ = await bench.handler(CommandConfiguration(argv: ["/bin/true"], workingDirectory: "/no/such/folder"))
                .run(CommandHandlerTestsBench.job())
        }
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        #expect(!open.contains { $0.hasPrefix(bench.root) })
    }

    @Test func `a hundred commands run beside each other`() async throws {
        let handler = bench.handler(script: #"{ printf '{"result":'; cat; printf '}'; } > "$MOOSE_RESULT_FILE""#)
        await withTaskGroup(of: (Job, Outcome).self) { group in
            for number in 0..<100 {
                group.addTask {
                    let job = CommandHandlerTestsBench.job("{\"number\":\(number)}")
                    return (job, await handler.run(job))
                }
            }
            for await (job, outcome) in group {
                #expect(outcome.resultText?.contains(job.id.uuidString.lowercased()) == true)
            }
        }
        #expect(try bench.leftInScratch.isEmpty)
    }
}
