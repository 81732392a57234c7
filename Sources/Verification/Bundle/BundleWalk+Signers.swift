import COSE
import Governance
import Tlog

/// Who signed: every statement in a bundle, by the key that the log's state had for its signer when it came.
extension BundleWalk {
    mutating func checkSigners() {
        for index in content.entries.keys.sorted() {
            // Entry 0 was verified, with the authority's key, when the trust file was read.
            guard !isExhausted else { return }
            guard index > 0, let entry = content.entries[index] else { continue }
            if let signer = signer(of: entry) { check(entry, signer) }
        }
    }

    private struct Signer {
        let key: Ed25519.PublicKey
        let role: String
        /// What shows it; nil where that is the genesis.
        let shownBy: StateKey?
    }

    private mutating func signer(of entry: BundleContent.Entry) -> Signer? {
        let header = entry.statement.header
        guard let keyID = Hash(header.keyID) else {
            refuse("not-enrolled", "entry \(entry.index) names no key identifier")
            return nil
        }
        if header.issuer.isSame(as: origin) {
            return own(entry)
        }
        let key = StateKey.signer(header.issuer, keyID)
        if key == .policy { return authority(of: entry, keyID) }
        switch value(of: key, before: entry.index, "the signer of entry \(entry.index)") {
        case .missing: return nil
        case .absent:
            refuse("not-enrolled", "\(key.text), the signer of entry \(entry.index), was not enrolled before it")
            return nil
        case .record(let bytes):
            guard let record = try? IdentityRecord(decoding: bytes) else { return nil }
            if let ending = record.ending, !Mutant.bundleKeyEnded.isOff {
                refuse(
                    "key-ended",
                    "\(key.text), the signer of entry \(entry.index), ended before it (\(ending.rawValue), entry "
                        + "\(record.index))")
                return nil
            }
            let roles = record.roles.map(\.rawValue).joined(separator: ", ")
            return Signer(key: record.key, role: roles, shownBy: key)
        }
    }

    /// The log itself: the key has to be its at the entry's index.
    private mutating func own(_ entry: BundleContent.Entry) -> Signer? {
        guard let key = content.keys.statementKey(entry.statement.header.keyID) else {
            refuse("key-mismatch", "entry \(entry.index) is signed with no statement key that the trust file names")
            return nil
        }
        do throws(CheckFailure) { try key.check(entry: entry.index) } catch {
            refuse(error.code, error.sentence)
            return nil
        }
        return Signer(key: key.key, role: "log", shownBy: nil)
    }

    private mutating func authority(of entry: BundleContent.Entry, _ keyID: Hash) -> Signer? {
        guard let record = policy(before: entry.index, "the signer of entry \(entry.index) is an authority") else {
            return nil
        }
        let issuer = entry.statement.header.issuer
        let found = record.policy.authorities.first { authority in
            let key = COSEKey(authority)
            return key.thumbprint == keyID && KeyDirectory.authorityIssuer(key).isSame(as: issuer)
        }
        guard let found else {
            refuse(
                "not-enrolled",
                "the policy of entry \(record.index) does not name the authority that signed entry \(entry.index)")
            return nil
        }
        return Signer(key: found, role: "authority", shownBy: .policy)
    }

    private mutating func check(_ entry: BundleContent.Entry, _ signer: Signer) {
        do {
            if !Mutant.bundleSignature.isOff { try entry.statement.verify(signer.key) }
        } catch {
            return refuse(error.reason, "the signature of entry \(entry.index): \(error.sentence())")
        }
        guard let shownBy = signer.shownBy else { return }
        tell(
            EvidenceFact(
                section: .signers, what: "signer", about: shownBy, entry: entry.index,
                issuer: entry.statement.header.issuer, time: nil, text: "signed as \(signer.role)"))
    }
}
