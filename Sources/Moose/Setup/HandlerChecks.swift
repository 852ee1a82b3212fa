internal import FoundationEssentials
internal import Settings

/// Looks on this machine for the programs that handlers start: an order of a kind whose program is missing fails.
struct HandlerChecks {
    let settings: Settings

    func findings() -> [Finding] {
        // As a worker would look: relative folders are left out.
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        let folders = path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        var programs = 0
        let faults = settings.handlers.sorted { $0.key < $1.key }.compactMap { kind, handler -> Finding? in
            guard case .command(let command) = handler.transport else { return nil }
            programs += 1
            return Self.fault(of: command, folders: folders).map { .bad("handler \(kind)", $0) }
        }
        guard programs > 0, faults.isEmpty else { return faults }
        return [.good("handlers", "\(NumberText.counted(programs, "program")) found")]
    }

    /// What keeps the program from being started, and what mends it; nil where nothing is seen.
    ///
    /// - Parameter folders: where a name without a slash is looked for.
    static func fault(of command: CommandSettings, folders: [String]) -> String? {
        // As the file has it: an argument that was filled in may be a secret.
        guard let program = command.argv.first, let shown = command.shownArgv.first else { return nil }
        let name = PrintableText.oneLine(shown)
        let files = FileManager.default
        var isFolder = false
        guard files.fileExists(atPath: command.workingDirectory, isDirectory: &isFolder), isFolder else {
            return
                "the folder \(PrintableText.oneLine(command.workingDirectory)), in which it would start, is missing. "
                + "Make it, or correct working_directory in moose.yaml"
        }
        let places =
            program.contains("/")
            ? [program.hasPrefix("/") ? program : "\(command.workingDirectory)/\(program)"]
            : folders.map { "\($0)/\(program)" }
        let there = places.filter { files.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder }
        if there.contains(where: files.isExecutableFile(atPath:)) { return nil }
        if let place = there.first {
            // The folder is PATH's.
            let found = program.contains("/") ? shown : "\(place.dropLast(program.count))\(shown)"
            return "the program \(PrintableText.oneLine(found)) is not executable. Allow it with "
                + "`chmod +x \(ShellWord.quoted(found))`, or correct argv in moose.yaml"
        }
        return "the program \(name) is missing on this machine"
            + (program.contains("/") ? "" : " in the folders of PATH")
            + ". Install it, or correct argv in moose.yaml; where workers run elsewhere, ask there"
    }
}
