extension String {
    /// At most so many characters of it as Postgres counts them; what is left out is marked by an ellipsis.
    package func clipped(to limit: Int) -> String {
        guard utf8.count > limit, unicodeScalars.count > limit else { return self }
        return String(unicodeScalars.prefix(limit - 1)) + "…"
    }
}
