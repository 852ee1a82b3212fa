import FoundationEssentials

extension Settings {
    /// Reads the configuration and the environment, and reports every mistake at once.
    ///
    /// - Parameters:
    ///   - path: the file; nil takes `MOOSE_CONFIG`, else `./moose.yaml` if there is one, else the defaults alone.
    ///   - environment: the process's environment, for `MOOSE_*` and for `${NAME}` in values, and for `NAME_FILE`,
    ///     which names a file with the value. An empty variable of ours counts as unset.
    package static func load(path: String?, environment: [String: String]) throws(SettingsError) -> Settings {
        let chosen = path ?? environment["MOOSE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let file = chosen ?? (ConfigFile.exists("moose.yaml") ? "moose.yaml" : nil)
        guard let file else { return try parse("", file: nil, environment: environment) }
        return try parse(try ConfigFile.read(file), file: file, environment: environment)
    }

    /// Reads a configuration from its text; `file` names it in messages and places its working directories.
    package static func parse(
        _ text: String,
        file: String?,
        environment: [String: String]
    ) throws(SettingsError) -> Settings {
        let problems = ProblemCollector(file: file ?? "configuration")
        let environment = SecretFiles.resolve(environment, usedIn: text, problems: problems)
        var settings = Settings()
        settings.file = file
        if let root = ConfigText.root(of: text, problems: problems) {
            let field = Field(name: "", node: root, problems: problems, environment: environment)
            let folder = file.map(ConfigFile.folder) ?? FileManager.default.currentDirectoryPath
            if let section = Section(field) { settings.read(section, folder: folder) }
        }
        settings.read(Variables(environment: environment, problems: problems))
        guard problems.problems.isEmpty else { throw .invalid(problems.sorted) }
        return settings
    }
}
