import FoundationEssentials
import Glibc
import Settings
import Testing

@testable import Moose

/// What `moose doctor` sees of the programs that handlers start.
struct HandlerChecksTests {
    @Test func `a program that is missing, not executable, or in a missing folder is named with what mends it`() throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "moose-doctor-\(UUID())").path
        try FileManager.default.createDirectory(atPath: "\(folder)/bin/nested", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, mode) in [("runs", mode_t(0o755)), ("plain", 0o644)] {
            try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: "\(folder)/bin/\(name)"))
            #expect(unsafe chmod("\(folder)/bin/\(name)", mode) == 0)
        }
        func fault(_ argv: String..., shown: [String]? = nil, in directory: String? = nil) -> String? {
            HandlerChecks.fault(
                of: CommandSettings(argv: argv, workingDirectory: directory ?? folder, shownArgv: shown),
                folders: ["/no/such", "\(folder)/bin"])
        }
        #expect(fault("runs") == nil)
        #expect(fault("bin/runs", "--flag") == nil)
        #expect(fault("\(folder)/bin/runs", in: "/") == nil)
        #expect(fault("./runs", in: "\(folder)/bin") == nil)

        #expect(fault("gone")?.hasPrefix("the program gone is missing on this machine in the folders of PATH") == true)
        #expect(fault("./gone")?.hasPrefix("the program ./gone is missing on this machine. Install it") == true)
        #expect(fault("nested")?.contains("is missing") == true, "a folder is no program")
        #expect(fault("bin/plain")?.contains("is not executable. Allow it with `chmod +x bin/plain`") == true)
        #expect(fault("plain")?.contains("chmod +x \(folder)/bin/plain") == true)
        #expect(fault("runs", in: "\(folder)/away")?.contains("in which it would start, is missing") == true)
        // What was filled in may be a secret.
        #expect(fault("./s3cret", shown: ["${PROGRAM}"])?.contains("s3cret") == false)
        #expect(fault("plain", shown: ["${PROGRAM}"])?.contains("plain") == false)
    }
}
