/// The forms that ``Field`` reads.
extension ShownValue {
    /// Stands for a secret.
    static let hidden = ShownValue.text("***")

    static func integer(_ value: Int) -> ShownValue {
        .number("\(value)")
    }

    static func seconds(_ duration: Duration) -> ShownValue {
        .number(Field.seconds(duration))
    }

    /// - Parameter amount: in millionths of a dollar, shown in dollars.
    static func microUSD(_ amount: Int64) -> ShownValue {
        .text(DecimalText.text(millionths: amount))
    }

    static func texts(_ items: [String]) -> ShownValue {
        .list(items.map { .text($0) })
    }

    /// A block whose keys are names of the user's, in their order.
    static func named<Value>(_ values: [String: Value], _ shown: (Value) -> ShownValue) -> ShownValue {
        .block(values.sorted { $0.key < $1.key }.map { (key: $0.key, value: shown($0.value)) })
    }
}
