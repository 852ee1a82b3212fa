internal import FoundationEssentials
internal import Glibc

/// The private folder of one attempt of a command. Its methods touch the disk: ``ScratchSpace``'s thread only.
package struct ScratchFolder: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        let what: String
        let errno: Int32

        package var description: String { "\(what) (\(ScratchFolder.words(for: errno))): \(advice)" }

        private var advice: String {
            switch errno {
            case EMFILE, ENFILE: "raise `ulimit -n` or give the worker fewer slots"
            case ENOSPC, EDQUOT: "make room there, or set TMPDIR to another folder and start the worker again"
            default: "make the folder, or set TMPDIR to one that this user may write to, and start the worker again"
            }
        }
    }

    let path: String
    /// Standard input of the command: open for reading at its start, closed when the command is started.
    let input: Int32

    var resultPath: String { path + "/result.json" }

    init(in root: String, input bytes: [UInt8]) throws(Failure) {
        var template = Array("\(root)/moose-attempt-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw Failure(what: "no temporary folder could be made in \(root)", errno: errno)
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        do throws(Failure) {
            input = try Self.inputFile(path + "/input.json", bytes)
        } catch {
            _ = unsafe rmdir(path)
            throw error
        }
    }

    /// A file and not a pipe: a command that doesn't read its input then costs no waiting writer, and no SIGPIPE.
    private static func inputFile(_ path: String, _ bytes: [UInt8]) throws(Failure) -> Int32 {
        let writer = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard writer >= 0 else { throw Failure(what: "the command's input could not be written", errno: errno) }
        defer {
            close(writer)
            _ = unsafe unlink(path)
        }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes { rest in
                unsafe write(writer, rest.baseAddress, rest.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw Failure(what: "the command's input could not be written", errno: count < 0 ? errno : ENOSPC)
            }
            written += count
        }
        let reader = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { throw Failure(what: "the command's input could not be opened", errno: errno) }
        return reader
    }

    /// Reads what the command wrote. Whatever stands in the file's place, nothing here waits and nothing is followed.
    func readResult() -> CommandResult {
        let file = unsafe open(resultPath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            return errno == ENOENT
                ? .none : CommandResult(complaint: "the result file can't be read (\(Self.words(for: errno)))")
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return CommandResult(complaint: "the result file is not a regular file")
        }
        guard status.st_size <= CommandResult.limit else { return Self.tooLarge }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { room in
                unsafe read(file, room.baseAddress, room.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                return CommandResult(complaint: "the result file can't be read (\(Self.words(for: errno)))")
            }
            if count == 0 { return CommandResult(bytes) }
            bytes += chunk[..<count]
            // Somebody may still be writing: the size above was a promise only.
            guard bytes.count <= CommandResult.limit else { return Self.tooLarge }
        }
    }

    func remove() {
        // What a command locked away from its own user stays behind; the attempt's outcome doesn't hang on it.
        try? FileManager.default.removeItem(atPath: path)
    }

    private static var tooLarge: CommandResult {
        CommandResult(complaint: "the result file is larger than \(CommandResult.limit) bytes")
    }

    static func words(for code: Int32) -> String {
        guard let words = unsafe strerror(code) else { return "errno \(code)" }
        return unsafe String(cString: words)
    }
}
