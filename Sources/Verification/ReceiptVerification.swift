import COSE
import Governance
import Tlog

extension Verifier {
    /// A statement with its receipts in header 394, each receipt of the trusted log verified in full.
    ///
    /// Receipts of other logs are named and left aside; at least one must be of the trusted log.
    public func transparentStatement(_ bytes: [UInt8]) -> VerificationReport {
        var list = CheckList()
        let transparent: TransparentStatement
        do {
            transparent = try TransparentStatement(decoding: bytes)
            list.pass(.statementForm, values: transparent.statement.values)
        } catch {
            list.fail(.statementForm, error)
            return VerificationReport(subject: .transparentStatement, checks: list.checks)
        }
        let own = transparent.receipts.filter(isOwn)
        checkSignature(of: transparent.statement, at: Self.index(in: own), &list)
        if own.isEmpty {
            list.fail(
                .receiptPresent, "no-receipt", "no receipt is of the trusted log",
                CheckValue("receipts", UInt64(transparent.receipts.count)))
        } else {
            list.pass(
                .receiptPresent, CheckValue("receipts", UInt64(transparent.receipts.count)),
                CheckValue("of-this-log", UInt64(own.count)))
        }
        var vouching: String?
        for (number, receipt) in transparent.receipts.enumerated() {
            let part = transparent.receipts.count == 1 ? nil : "receipt \(number)"
            if isOwn(receipt) {
                vouching = check(receipt, for: transparent.statement, of: part, &list) ?? vouching
            } else {
                list.note(.receiptIssuer, of: part, "a receipt of another log", CheckValue("issuer", receipt.issuer))
            }
        }
        checkAdmission(vouching, &list)
        return VerificationReport(subject: .transparentStatement, checks: list.checks)
    }

    /// One receipt for a statement that stands in a file of its own.
    public func receipt(_ bytes: [UInt8], statement: [UInt8]) -> VerificationReport {
        var list = CheckList()
        let statement = Self.parseStatement(statement, &list)
        let index = (try? Receipt(decoding: bytes)).flatMap { Self.index(in: [$0]) }
        if let statement { checkSignature(of: statement, at: index, &list) }
        var vouching: String?
        do {
            let receipt = try Receipt(decoding: bytes)
            list.pass(
                .receiptForm, CheckValue("issuer", receipt.issuer), CheckValue("key", Hex.encode(receipt.keyID)))
            if let statement { vouching = check(receipt, for: statement, of: nil, &list) }
        } catch {
            list.fail(.receiptForm, error)
        }
        checkAdmission(vouching, &list)
        return VerificationReport(subject: .receipt, checks: list.checks)
    }

    /// The index that receipts of one statement show. Only a checkpoint makes it certain: the receipt's signature is
    /// over the root alone, and one path can fit several sizes. Nil also if they don't agree.
    private static func index(in receipts: [Receipt]) -> UInt64? {
        var found: UInt64?
        for receipt in receipts {
            guard receipt.checkpoint != nil, case .inclusion(let proof) = receipt.proof else { continue }
            guard found == nil || found == proof.index else { return nil }
            found = proof.index
        }
        return found
    }

    /// Whether a receipt says that it is of a log that the trust file names.
    private func isOwn(_ receipt: Receipt) -> Bool {
        trust.policy.logs.contains { $0.key.name.text.utf8.elementsEqual(receipt.issuer.utf8) }
    }

    /// Issuer, inclusion, signature, and the checkpoint that the receipt carries.
    ///
    /// - Returns: the state witnesses that cosigned that checkpoint, if they reach the quorum.
    private func check(
        _ receipt: Receipt, for statement: SignedStatement, of part: String?, _ list: inout CheckList
    ) -> String? {
        guard isOwn(receipt) else {
            list.fail(
                .receiptIssuer, of: part, "unknown-log", "the trust file does not name the receipt's log",
                CheckValue("issuer", receipt.issuer))
            return nil
        }
        guard case .inclusion(let proof) = receipt.proof else {
            list.fail(.inclusion, of: part, "wrong-kind", "the receipt proves consistency, not inclusion")
            return nil
        }
        let head: TreeHead
        do {
            // RFC 9942: the payload is detached; the verifier computes the root and verifies the signature over it.
            head = TreeHead(size: proof.size, root: try proof.root(leafHash: statement.leafHash))
            list.pass(
                .inclusion, of: part, CheckValue("index", proof.index), CheckValue("size", head.size),
                CheckValue("root", head.root.hex))
        } catch {
            list.fail(.inclusion, of: part, error, CheckValue("index", proof.index))
            return nil
        }
        let key = checkSignature(of: receipt, for: statement, head, part, &list)
        return checkCheckpoint(of: receipt, head, key, part, &list)
    }

    /// The signature, by the receipt key that the genesis names or a later one, over the root that statement and path
    /// give.
    ///
    /// - Returns: the key, if the signature is its.
    private func checkSignature(
        of receipt: Receipt, for statement: SignedStatement, _ head: TreeHead, _ part: String?,
        _ list: inout CheckList
    ) -> TrustedLogKeys.Key? {
        guard let first = trust.keys.receipt.first else {
            list.leaveOut(
                .receiptSignature, of: part, "the trust file has no genesis entry, so the receipt key is not known")
            return nil
        }
        let name = CheckValue("key", Hex.encode(receipt.keyID))
        guard let key = trust.keys.receiptKey(receipt.keyID) else {
            list.fail(
                .receiptSignature, of: part, "key-mismatch",
                "it is signed with another key than \(first.thumbprint) of the genesis and the receipt keys that the "
                    + "trust file names beside it: if the log has changed its keys, add the log-key line of the new one "
                    + "(the log.rotate statement has it, and holdfast-verify log --governance prints it)", name,
                CheckValue("root", head.root.hex))
            return nil
        }
        if let cutoff = key.cutoff, head.size >= cutoff, !Mutant.receiptKeyEnded.isOff {
            list.fail(
                .receiptSignature, of: part, "key-ended",
                "the receipt key ended at size \(cutoff), and the receipt is for a tree of \(head.size) entries: the log "
                    + "did not sign it", name)
            return nil
        }
        do {
            // Without its checkpoint, which is looked at next, so that each fault is named by its own check.
            if !Mutant.receiptSignature.isOff {
                try receipt.carrying(nil).verify(leafHash: statement.leafHash, key: key.key)
            }
            list.pass(
                .receiptSignature, of: part, values: [name] + (key.cutoff.map { [CheckValue("ended-at", $0)] } ?? []))
            return key
        } catch {
            list.fail(.receiptSignature, of: part, error, name, CheckValue("root", head.root.hex))
            return nil
        }
    }

    /// The checkpoint in the receipt's unprotected header: nobody signed that it belongs there, so all of it is held to
    /// the trust file, and its root to the receipt's.
    ///
    /// - Parameter key: that of the receipt's signature, if that is good.
    /// - Returns: the state witnesses that cosigned it, if they reach the quorum.
    private func checkCheckpoint(
        of receipt: Receipt, _ head: TreeHead, _ key: TrustedLogKeys.Key?, _ part: String?, _ list: inout CheckList
    ) -> String? {
        guard let bytes = receipt.checkpoint else {
            if trust.requiresWitnesses, !Mutant.receiptQuorum.isOff {
                list.fail(
                    .witnessQuorum, of: part, "no-checkpoint",
                    "the receipt carries no checkpoint, so no witness vouches for its root",
                    CheckValue("quorum", trust.quorumName))
            } else {
                noteNoQuorum(of: part, &list)
            }
            // The signature is over the root alone, and one path can fit several sizes.
            list.note(.rootAgreement, of: part, "the receipt carries no checkpoint: index and size are what it says")
            if let key, let cutoff = key.cutoff {
                checkSuccessor(of: head, key: key.name, endedAt: cutoff, part, &list)
            }
            return nil
        }
        guard let signed = Self.parseCheckpoint(bytes, of: part, &list) else { return nil }
        let signer = check(signed, of: part, &list)
        if let key, let cutoff = key.cutoff, case .current(let newer) = signer {
            // Its own checkpoint carries the root over, with the quorum and the agreement that are required here.
            list.pass(
                .successor, of: part, CheckValue("key", key.name), CheckValue("ended-at", cutoff),
                CheckValue("size", head.size), CheckValue("carried-by", newer.text))
        }
        let other = signed.checkpoint.treeHead
        if other == head || Mutant.receiptRoot.isOff {
            list.pass(.rootAgreement, of: part, CheckValue("size", head.size), CheckValue("root", head.root.hex))
        } else {
            list.fail(
                .rootAgreement, of: part, "other-head",
                "the receipt is for size \(head.size) and root \(head.root), its checkpoint for size \(other.size) and "
                    + "root \(other.root)")
        }
        return noteStateQuorum(signed, of: part, &list)
    }
}
