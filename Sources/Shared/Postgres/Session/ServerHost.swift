internal import CLibPQ

/// One server of a URL that names several, tried apart from the others: libpq itself would wait for the first for ever
/// when that is a machine that takes connections and says nothing.
struct ServerHost: Equatable {
    /// libpq's settings that name it: `host`, `hostaddr`, `port`. Empty: as the URL says.
    let settings: [String: String]

    private static let asGiven = [ServerHost(settings: [:])]

    /// The servers in the URL's order; the environment counts where the URL says nothing.
    static func all(of url: String) -> [ServerHost] {
        let given = connectionSettings(of: url)
        // libpq looks the service up, and only then are its hosts known.
        if given["service"] != nil { return asGiven }
        let lists = ["host", "hostaddr", "port"].map { name in
            given[name].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        }
        let count = max(lists[0].count, lists[1].count)
        // Lists of different length: libpq says what is wrong with them.
        guard count > 1, lists[0].isEmpty || lists[0].count == count, lists[1].isEmpty || lists[1].count == count,
            lists[2].count <= 1 || lists[2].count == count
        else { return asGiven }
        return (0..<count).map { index in
            var settings: [String: String] = [:]
            if !lists[0].isEmpty { settings["host"] = lists[0][index] }
            if !lists[1].isEmpty { settings["hostaddr"] = lists[1][index] }
            if lists[2].count == count { settings["port"] = lists[2][index] }
            return ServerHost(settings: settings)
        }
    }

    /// What the URL says, and the environment where it says nothing. Empty when libpq can't read it.
    static func connectionSettings(of url: String) -> [String: String] {
        var settings: [String: String] = [:]
        unsafe read(PQconndefaults(), into: &settings)
        // libpq's own default is no setting.
        if url.contains("=") || url.contains("://") { unsafe read(PQconninfoParse(url, nil), into: &settings) }
        return settings
    }

    private static func read(
        _ options: UnsafeMutablePointer<PQconninfoOption>?, into settings: inout [String: String]
    ) {
        guard let options = unsafe options else { return }
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val, unsafe value.pointee != 0 {
                unsafe settings[String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
        unsafe PQconninfoFree(options)
    }
}
