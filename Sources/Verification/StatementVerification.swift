import COSE
import Governance
import Tlog

extension Verifier {
    /// A statement and its tlog-proof: signed by an issuer that the genesis enrols, included under a checkpoint that
    /// the log signed and the quorum vouches for.
    ///
    /// - Parameters:
    ///   - bytes: a COSE signed statement; receipts it carries are ignored.
    ///   - proof: a `.tlog-proof` file.
    public func statement(_ bytes: [UInt8], proof: [UInt8]) -> VerificationReport {
        var list = CheckList()
        let statement = Self.parseStatement(bytes, &list)
        let index = (try? TlogProof(parsing: proof))?.index
        if let statement { checkSignature(of: statement, at: index, &list) }
        var vouching: String?
        if let proof = Self.parseProof(proof, &list) {
            check(proof.checkpoint, of: nil, &list)
            if let statement { Self.checkInclusion(of: statement, proof, &list) }
            vouching = noteStateQuorum(proof.checkpoint, of: nil, &list)
        }
        checkAdmission(vouching, &list)
        return VerificationReport(subject: .statement, checks: list.checks)
    }

    /// What can be said without a trust file: that the statement is under the root in the proof.
    ///
    /// - Parameter asked: whether the caller wants no more than that. Otherwise all that needs a trust file is reported
    ///   as required and left out, and the verdict is "not verified".
    public static func inclusion(of bytes: [UInt8], proof: [UInt8], asked: Bool) -> VerificationReport {
        var list = CheckList()
        let leaveOut = { (name: CheckName, list: inout CheckList) in
            if asked {
                list.note(name, "only inclusion was asked for")
            } else {
                list.leaveOut(name, "inclusion only: there is no trust file")
            }
        }
        let statement = parseStatement(bytes, &list)
        leaveOut(.statementSignature, &list)
        if let proof = parseProof(proof, &list) {
            leaveOut(.logSignature, &list)
            leaveOut(.witnessQuorum, &list)
            if let statement { checkInclusion(of: statement, proof, &list) }
        }
        return VerificationReport(subject: .statement, isInclusionOnly: asked, checks: list.checks)
    }

    static func parseStatement(_ bytes: [UInt8], _ list: inout CheckList) -> SignedStatement? {
        do {
            let statement = try SignedStatement(decoding: bytes)
            list.pass(.statementForm, values: statement.values)
            return statement
        } catch {
            list.fail(.statementForm, error)
            return nil
        }
    }

    private static func parseProof(_ bytes: [UInt8], _ list: inout CheckList) -> TlogProof? {
        do {
            let proof = try TlogProof(parsing: bytes)
            let checkpoint = proof.checkpoint.checkpoint
            list.pass(
                .proofForm, CheckValue("index", proof.index), CheckValue("origin", checkpoint.origin.text),
                CheckValue("size", checkpoint.size))
            return proof
        } catch {
            list.fail(.proofForm, error)
            return nil
        }
    }

    /// tlog-proof: "Check that the inclusion proof is valid, to bind the leaf hash computed in step 1 to the the root
    /// hash of the signed checkpoint."
    private static func checkInclusion(of statement: SignedStatement, _ proof: TlogProof, _ list: inout CheckList) {
        let root = proof.checkpoint.checkpoint.root
        do {
            if !Mutant.inclusion.isOff { try proof.inclusionProof.verify(leafHash: statement.leafHash, root: root) }
            list.pass(.inclusion, CheckValue("index", proof.index), CheckValue("root", root.hex))
        } catch {
            list.fail(.inclusion, error, CheckValue("index", proof.index))
        }
    }

    /// The statement's signature by a key that the genesis policy knows under the statement's issuer, or that a state
    /// proof shows to have been enrolled later.
    ///
    /// - Parameter index: the statement's index, as far as a proof that is checked too shows it.
    func checkSignature(of statement: SignedStatement, at index: UInt64?, _ list: inout CheckList) {
        guard let genesis = trust.genesis, let policy = genesis.policy else {
            list.leaveOut(
                .statementSignature, "the trust file has no genesis entry, so the issuers' keys are not known")
            return
        }
        let names = statement.signerValues
        // Entry 0 was verified, with the authority's key, when the trust file was read.
        if statement.leafHash == genesis.leafHash {
            list.pass(.statementSignature, values: names + [CheckValue("role", "genesis")])
            return
        }
        if let key = ownKey(of: statement) { return checkOwn(statement, key, at: index, &list) }
        guard let signer = policy.signer(of: statement) ?? knownSigner(of: statement) else {
            checkEnrolledLater(statement, at: index, &list)
            return
        }
        do {
            if !Mutant.statementSignature.isOff { try statement.verify(signer.key) }
            list.pass(.statementSignature, values: names + [CheckValue("role", signer.role)])
        } catch {
            list.fail(.statementSignature, error, names[0], names[1])
        }
    }

    /// The key of the log's own that a statement names as its signer's: the genesis's, or a later one.
    func ownKey(of statement: SignedStatement) -> TrustedLogKeys.Key? {
        guard let origin = trust.genesis?.policy?.origin.text, statement.header.issuer.isSame(as: origin) else {
            return nil
        }
        return trust.keys.statementKey(statement.header.keyID)
    }

    /// A statement of the log's own: the key has to be the log's at its index.
    private func checkOwn(
        _ statement: SignedStatement, _ key: TrustedLogKeys.Key, at index: UInt64?, _ list: inout CheckList
    ) {
        let names = statement.signerValues
        guard key.isUnbounded || index != nil else {
            list.leaveOut(
                .statementSignature, "the statement's index is not shown, so not whether the key was the log's then",
                names[0], names[1])
            return
        }
        do throws(CheckFailure) {
            if let index { try key.check(entry: index) }
            do { try statement.verify(key.key) } catch { throw CheckFailure(error) }
            list.pass(.statementSignature, values: names + [CheckValue("role", "log")])
        } catch {
            list.fail(.statementSignature, error.code, error.sentence, names[0], names[1])
        }
    }

    func knownSigner(of statement: SignedStatement) -> (key: Ed25519.PublicKey, role: String)? {
        knownIssuers.first { $0.signed(statement) }.map { ($0.key, "known") }
    }

    /// Whether policy and stream allowed the statement: its own bytes don't show that.
    ///
    /// - Parameter vouching: the state witnesses that replayed every admission below the head that the statement is
    ///   under, if they reach the quorum.
    func checkAdmission(_ vouching: String?, _ list: inout CheckList) {
        if let vouching, !list.hasFailure {
            list.pass(.admission, CheckValue("vouched-for-by", vouching))
        } else {
            list.note(
                .admission,
                "whether policy and stream allowed the statement is shown by the whole log, or vouched for by a quorum "
                    + "of state witnesses")
        }
    }
}

extension SignedStatement {
    /// What the statement says about itself.
    var values: [CheckValue] {
        var values = [
            CheckValue("entry", leafHash.hex), CheckValue("issuer", header.issuer),
            CheckValue("subject", header.subject), CheckValue("key", Hex.encode(header.keyID)),
        ]
        if let time = header.issuedAt { values.append(CheckValue("issued-at", time)) }
        return values
    }
}

extension Policy {
    /// The key that the policy knows for a statement's issuer and key identifier, and in which role.
    func signer(of statement: SignedStatement) -> (key: Ed25519.PublicKey, role: String)? {
        if statement.names(issuer: origin.text, key: COSEKey(logKeys.statement)) { return (logKeys.statement, "log") }
        // The genesis is the one statement that an authority signs under a name of its choice.
        for authority in authorities {
            let key = COSEKey(authority)
            if statement.names(issuer: KeyDirectory.authorityIssuer(key), key: key) { return (authority, "authority") }
        }
        return issuers.first { $0.signed(statement) }.map { ($0.key, "issuer") }
    }
}

extension EnrolledIssuer {
    /// Whether a statement names this issuer and this key.
    fileprivate func signed(_ statement: SignedStatement) -> Bool {
        statement.names(issuer: issuer, key: COSEKey(key))
    }
}

extension SignedStatement {
    /// Bytes are compared: to Swift, texts that differ only in Unicode normalisation are equal.
    fileprivate func names(issuer: String, key: COSEKey) -> Bool {
        (issuer.utf8.elementsEqual(header.issuer.utf8) || Mutant.statementIssuer.isOff)
            && key.thumbprint.bytes == header.keyID
    }
}
