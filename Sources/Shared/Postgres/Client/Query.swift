/// One SQL statement with its bound parameters.
///
/// Write it as an interpolated string: `"SELECT * FROM t WHERE id = \(id)"` sends `$1` and binds `id`, so values are
/// never part of the text. `\(unescaped:)` is the one way to put text of your own into it.
package struct Query: Sendable, Hashable {
    /// The text with `$1`, `$2` … in the places of the parameters.
    package let sql: String
    package let parameters: [Parameter]

    /// A statement whose `$n` are numbered by hand, so that one parameter can be used more than once.
    package init(_ sql: String, parameters: [Parameter] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

extension Query: ExpressibleByStringInterpolation {
    package init(stringLiteral sql: String) { self.init(sql) }

    package init(stringInterpolation interpolation: Interpolation) {
        self.init(interpolation.sql, parameters: interpolation.parameters)
    }

    /// Collects the text and the parameters of an interpolated statement.
    package struct Interpolation: StringInterpolationProtocol {
        var sql = ""
        var parameters: [Parameter] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            sql.reserveCapacity(literalCapacity + 4 * interpolationCount)
            parameters.reserveCapacity(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) { sql += literal }

        /// Binds a value.
        package mutating func appendInterpolation(_ value: some PostgresEncodable) {
            appendInterpolation(Parameter(value))
        }

        /// Binds a value, or NULL for nil.
        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            appendInterpolation(Parameter(value))
        }

        /// Binds a parameter that is encoded already.
        package mutating func appendInterpolation(_ parameter: Parameter) {
            parameters.append(parameter)
            sql += "$\(parameters.count)"
        }

        /// Puts text into the statement as it is. Only for names and SQL from the program itself, never for input.
        package mutating func appendInterpolation(unescaped text: String) { sql += text }
    }
}
