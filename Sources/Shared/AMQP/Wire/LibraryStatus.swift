internal import CRabbitMQ

/// The library's numbers as text.
enum LibraryStatus {
    static func describe(_ status: Int32) -> String {
        unsafe String(cString: amqp_error_string2(status))
    }
}
