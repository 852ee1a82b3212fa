internal import FoundationEssentials
internal import Subprocess
internal import SystemPackage

/// A body in the person's own editor.
enum BodyEditor {
    /// What the person has made of it.
    ///
    /// - Throws: ``CommandFailure`` when there is no editor, it fails, or nothing was changed.
    static func edit(_ body: [UInt8], environment: [String: String]) async throws -> [UInt8] {
        guard
            let editor = [environment["VISUAL"], environment["EDITOR"]].compactMap({ $0 }).first(where: { !$0.isEmpty })
        else {
            throw CommandFailure("there is no editor", next: "Set $EDITOR, or use --set or --body", status: .usage)
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "moose-\(UUID().uuidString).json")
        // A body may hold what others must not read.
        let handle = try FileDescriptor.open(
            FilePath(file.path), .writeOnly, options: [.create, .exclusiveCreate], permissions: [.ownerReadWrite])
        defer {
            // It is gone already, or its folder is: nothing of ours stays.
            try? FileManager.default.removeItem(at: file)
        }
        try handle.closeAfter { _ = try handle.writeAll(body) }
        let ended = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", "\(editor) \"$1\"", "sh", file.path],
            input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
            output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
            error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
        guard ended.terminationStatus.isSuccess else {
            throw CommandFailure("nothing was redriven: the editor ended with an error", status: .refused)
        }
        let edited = Array(try Data(contentsOf: file))
        guard edited != body else {
            throw CommandFailure("nothing was redriven: the body is unchanged", status: .refused)
        }
        return edited
    }
}
