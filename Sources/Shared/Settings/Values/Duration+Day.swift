extension Duration {
    /// Twenty-four hours, for the bounds of settings.
    static let day = Duration.seconds(86_400)
}
