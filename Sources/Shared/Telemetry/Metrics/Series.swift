/// One line, or for a histogram one group of lines, of the exported text.
protocol Series: AnyObject, Sendable {
    /// Appends the lines with their present values.
    func write(to text: inout ExpositionText)
}
