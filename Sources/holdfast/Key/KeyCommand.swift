import ArgumentParser
import COSE
import LogClient
import Tlog

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make keys and show their public halves.",
        subcommands: [KeyNewCommand.self, KeyLogCommand.self, KeyShowCommand.self, KeyVerifierCommand.self])
}

/// What is shown of a key: never more than the public half.
private struct KeyDescription: Encodable {
    let file: String
    let publicKey: String
    let thumbprint: String

    init(file: String, key: Ed25519.PublicKey) {
        self.file = file
        publicKey = Hex.encode(key.bytes)
        thumbprint = COSEKey(key).thumbprint.hex
    }

    func print(asJSON: Bool) {
        guard !asJSON else { return JSONLine.print(self) }
        Terminal.output.line("public key  \(publicKey)")
        Terminal.output.line("thumbprint  \(thumbprint)")
    }
}

struct KeyNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make an Ed25519 key: a secret key file, and its public key beside it.",
        discussion: """
            The secret key file gets mode 0600 and is never overwritten. The public key is written to FILE.pub; that \
            is the file to give to the operator of a log (init --issuer URI=FILE.pub).
            """)

    @Option(help: ArgumentHelp("Where to write the secret key.", valueName: "file"))
    var out = "holdfast.key"

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let key = Ed25519.SigningKey.generate()
        try KeyFile.create(key, at: out)
        if !json { Terminal.errors.line("Wrote \(out) (secret) and \(out).pub (public).") }
        KeyDescription(file: out, key: key.publicKey).print(asJSON: json)
    }
}

struct KeyShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the public key and the thumbprint of a key file, secret or public.")

    @Argument(help: ArgumentHelp("A key file.", valueName: "file"))
    var file: String

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        KeyDescription(file: file, key: try KeyFile.readPublic(file)).print(asJSON: json)
    }
}

struct KeyVerifierCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vkey", abstract: "Print the verifier key (C2SP signed-note vkey) of a key file.",
        discussion: "The kind of line that policies and trust files name logs and witnesses by.")

    @Argument(help: ArgumentHelp("A key file, secret or public.", valueName: "file"))
    var file: String

    @Option(help: "The key's name: for a log, its origin.")
    var name: String

    @Flag(help: "Make a cosigner's vkey (type 0x04) instead of a log's (0x01).")
    var cosigner = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let key = try KeyFile.readPublic(file)
        let keyName: KeyName
        do {
            keyName = try KeyName(name)
        } catch {
            throw Failure(
                .usage, "\(Terminal.visible(name)) is not a key name",
                hint: "A key name is not empty and has neither spaces nor plus signs, such as example.com/log.")
        }
        let verifier =
            cosigner
            ? VerifierKey.cosigner(name: keyName, publicKey: key) : VerifierKey.ed25519(name: keyName, publicKey: key)
        if json {
            JSONLine.print(["file": file, "vkey": verifier.text])
        } else {
            Terminal.output.line(verifier.text)
        }
    }
}
