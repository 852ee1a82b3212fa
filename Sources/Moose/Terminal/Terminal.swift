import Glibc

/// What one of the standard streams can show. A value: tests make their own.
struct Terminal: Sendable, Equatable {
    /// Whether people look at it, rather than a file or a program.
    let isTTY: Bool
    /// Columns; 80 when unknown.
    let width: Int
    /// Whether colours may be used.
    let hasColour: Bool
    /// Whether more than ASCII can be shown.
    let hasUnicode: Bool

    init(isTTY: Bool, width: Int = 80, hasColour: Bool? = nil, hasUnicode: Bool = true) {
        self.isTTY = isTTY
        self.width = max(20, width)
        self.hasColour = hasColour ?? isTTY
        self.hasUnicode = hasUnicode
    }

    /// Standard output as it is now.
    static func standardOutput(environment: [String: String]) -> Terminal {
        Terminal(descriptor: STDOUT_FILENO, environment: environment)
    }

    /// Standard error as it is now.
    static func standardError(environment: [String: String]) -> Terminal {
        Terminal(descriptor: STDERR_FILENO, environment: environment)
    }

    private init(descriptor: Int32, environment: [String: String]) {
        let isTTY = isatty(descriptor) == 1
        self.init(
            isTTY: isTTY,
            width: Self.width(of: descriptor) ?? environment["COLUMNS"].flatMap { Int($0) } ?? 80,
            hasColour: isTTY && Self.wantsColour(environment),
            hasUnicode: Self.speaksUnicode(environment)
        )
    }

    /// Whether the environment allows colours: `NO_COLOR` with any value and `TERM=dumb` forbid them.
    static func wantsColour(_ environment: [String: String]) -> Bool {
        environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// Whether the locale is one of UTF-8: the first variable that is set decides, as in POSIX.
    static func speaksUnicode(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let name = locale.uppercased()
        return name.hasSuffix("UTF-8") || name.hasSuffix("UTF8")
    }

    /// The text in that style where colours are shown, else as it is.
    func styled(_ text: String, _ style: TextStyle?) -> String {
        guard hasColour, let style else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }

    private static func width(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
