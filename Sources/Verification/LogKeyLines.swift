import COSE
import Governance
import Tlog

extension LogPublicKeys.Use {
    init?(_ item: TlogPolicy.Name) { self.init(rawValue: item.description) }
}

/// `log-key receipt|statement <base64 of the public key>`: a key that came after the genesis's.
struct LaterKeyLine {
    let number: Int
    let use: LogPublicKeys.Use
    let key: Ed25519.PublicKey

    init(_ line: TlogPolicy.Line) throws(TrustFileError) {
        let form = "log-key receipt|statement <base64 of the public key>"
        try TrustFileParser.check(line, items: 3...3, form: form)
        guard let use = LogPublicKeys.Use(line.items[1]), use != .checkpoint else {
            throw TrustFileError(.itemCount(form: form), line: line.number)
        }
        let text = line.items[2].description
        guard let bytes = Base64.decode(text) else { throw TrustFileError(.keyNotBase64(text), line: line.number) }
        do { key = try Ed25519.PublicKey(bytes) } catch { throw TrustFileError(.publicKey(error), line: line.number) }
        self.use = use
        number = line.number
    }
}

/// `key-cutoff checkpoint|receipt|statement <key> <tree size>`: from that size on, the key counts no more.
struct KeyCutoffLine {
    let number: Int
    let use: LogPublicKeys.Use
    /// The vkey of a checkpoint key, else the thumbprint in hex.
    let name: String
    let size: UInt64

    init(_ line: TlogPolicy.Line) throws(TrustFileError) {
        let form = "key-cutoff checkpoint|receipt|statement <key> <tree size>"
        try TrustFileParser.check(line, items: 4...4, form: form)
        guard let use = LogPublicKeys.Use(line.items[1]) else {
            throw TrustFileError(.itemCount(form: form), line: line.number)
        }
        let name = line.items[2].description
        if use == .checkpoint {
            do { _ = try VerifierKey(parsing: name) } catch {
                throw TrustFileError(.policy(.key(error, line: line.number)), line: line.number)
            }
        } else {
            _ = try TrustFileParser.hash(line, item: 2)
        }
        let digits = line.items[3].description
        guard let size = UInt64(digits), String(size) == digits else {
            throw TrustFileError(.notSize(digits), line: line.number)
        }
        (self.use, self.name, self.size, number) = (use, name, size, line.number)
    }
}
