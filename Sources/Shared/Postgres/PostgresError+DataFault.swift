extension PostgresError {
    /// The data itself is at fault (SQLSTATE classes 22 and 23): trying the same again can't help.
    package var isDataFault: Bool { sqlState.map { $0.hasPrefix("22") || $0.hasPrefix("23") } ?? false }
}
