import Testing

@testable import Moose

@Suite struct BrokerGrantTests {
    @Test(arguments: [
        ("NOT_ALLOWED - access to vhost '/' refused for user 'guest'", "-p / guest "),
        (
            "ACCESS_REFUSED - access to exchange 'moose.dead' in vhost 'my host' refused for user 'a;b'",
            "-p 'my host' 'a;b' "
        ),
        ("ACCESS_REFUSED - in other words", "-p VHOST USER "),
    ])
    func `the command is for the user and the virtual host that the broker named`(refusal: String, names: String) {
        #expect(
            BrokerGrant.command(after: refusal)
                == #"rabbitmqctl set_permissions \#(names)'^moose\.' '^(moose\.|amq\.default$)' '^moose\.'"#)
    }

    @Test(arguments: [("a.b_c-1/d", "a.b_c-1/d"), ("", "''"), ("it's", #"'it'\''s'"#), ("$(x)", "'$(x)'")])
    func `a name is one word of a command line`(name: String, word: String) {
        #expect(ShellWord.quoted(name) == word)
    }
}
