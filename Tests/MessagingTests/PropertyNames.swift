import AMQP
import FoundationEssentials
import TestSupport

/// The properties of a message under the names that AMQP 0-9-1 gives them.
struct PropertyNames {
    /// Of all properties that a message can carry, set or not.
    let all: Set<String>
    /// Those that are set, and the headers, with their values.
    let written: [String: JSONValue]

    init(_ properties: MessageProperties) {
        var all: Set<String> = []
        var written = properties.headers.mapValues { value in
            if case .string(let text) = value { JSONValue.string(text) } else { JSONValue.null }
        }
        for (label, value) in Mirror(reflecting: properties).children where label != "headers" {
            let name = Self.snakeCase(label ?? "")
            all.insert(name)
            switch value {
            case let text as String: written[name] = .string(text)
            case let seconds as UInt64: written[name] = .number(Decimal(seconds))
            case let mode as MessageProperties.DeliveryMode: written[name] = .number(Decimal(mode.rawValue))
            default: break
            }
        }
        self.all = all
        self.written = written
    }

    /// `messageID` becomes `message_id`.
    private static func snakeCase(_ label: String) -> String {
        var name = ""
        var previous: Character = "_"
        for character in label {
            if character.isUppercase, !previous.isUppercase { name.append("_") }
            name += character.lowercased()
            previous = character
        }
        return name
    }
}
