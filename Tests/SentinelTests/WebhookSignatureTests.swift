import Sentinel
import Testing

struct WebhookSignatureTests {
    // The example of GitHub's own page on checking signatures.
    private let secret = "It's a Secret to Everybody"
    private let body = Array("Hello, World!".utf8)
    private let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    @Test func `GitHub's example is valid, in capitals too`() {
        #expect(WebhookSignature.isValid(signature, body: body, secret: secret))
        #expect(WebhookSignature.of(body, secret: secret) == signature)
        #expect(
            WebhookSignature.isValid("sha256=" + signature.dropFirst(7).uppercased(), body: body, secret: secret))
    }

    @Test(arguments: [
        nil, "", "sha256=", "sha256", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1700",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1g",
        " sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=０57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
    ])
    func `anything else is not`(header: String?) {
        #expect(!WebhookSignature.isValid(header, body: body, secret: secret))
    }

    @Test func `another body or another secret is not`() {
        #expect(!WebhookSignature.isValid(signature, body: body + [0], secret: secret))
        #expect(!WebhookSignature.isValid(signature, body: [], secret: secret))
        #expect(!WebhookSignature.isValid(signature, body: body, secret: secret + " "))
    }
}
