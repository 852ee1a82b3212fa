import Testing

@testable import Postgres

/// Pieces of passwords that a slip puts where something else was meant.
struct SecretTests {
    @Test(arguments: [
        "postgresql://u@h/d?password=Zquork&Wxylo", "postgresql://u@h/d?password=Zquork&Wxylo=1",
        "postgresql://u@h/d?sslpassword=Zquork&Wxylo", "postgresql://u@h/d?passfile=/Zquork&Wxylo=1",
        "postgresql://u@h/d?sslmode=require&password=Zquork&sslmode=require&Wxylo=1&connect_timeout=1",
        "postgresql://u@h/d?password=Zquork&&Wxylo=", "postgresql://u@h/d?pass%77ord=Zquork&Wxylo=1",
        "postgresql://u@h/d?Wxylo", "postgresql://u@h/d?password=Zquork&connect_timeout=Wxylo",
        "postgresql://u@h/d?password=Zquork&sslmode=Wxylo", "postgresql://u@h/d?Wxylo%31=1",
        "host=h password=Zquork Wxylo", "host=h password=Zquork Wx\"ylo", "host=h password='Zquork' Wxylo'",
        "host=h sslmode='a\"Wxylo'",
    ])
    func `no piece of a password is told as an option`(url: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url).check() }
        let words = error?.description ?? ""
        for piece in ["Zquork", "Wx", "ylo"] { #expect(!words.contains(piece), "\(words)") }
    }

    @Test func `an option that no secret stands before is named, and one behind a secret has a hint`() {
        for (query, expected) in [
            ("sslmode=require&pool_size=5", "The option pool_size isn't supported"),
            ("password=a&pool_size=5", "An option isn't supported; these are: "), ("password=a&b", "write %26 for &"),
        ] {
            let error = #expect(throws: PostgresError.self) {
                try PostgresConfiguration(url: "postgresql://u@h/d?\(query)").check()
            }
            #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
        }
    }

    @Test(arguments: [
        "postgresql://u%3AHunterzz@h/d", "postgresql://u%3aHunterzz@h/d", "postgresql://u%253AHunterzz@h/d",
        "postgresql://u%3AHunterzz:x@h/d",
    ])
    func `a user that is a user and a password is not shown`(url: String) {
        let shown = PostgresConfiguration(url: url).description
        #expect(!shown.contains("Hunterzz") && shown.contains("@h/d"), "\(shown)")
    }
}
