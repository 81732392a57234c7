import COSE
import Governance
import Tlog

/// A file of a stream: its name, to speak of it, and its bytes.
public struct StreamFile: Sendable {
    public let name: String
    public let bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

extension Verifier {
    /// Whether these are all statements of a stream, none missing and none besides, from its first to the newest at the
    /// size that the state proof is of.
    ///
    /// Each statement names its predecessor's leaf hash, so the newest link in the state fixes all of them.
    ///
    /// - Parameters:
    ///   - files: signed statements, with receipts or without, in any order; one may be there twice.
    ///   - state: the state proof of the stream's key.
    public func stream(_ files: [StreamFile], state: [UInt8]) -> VerificationReport {
        var list = CheckList()
        let question = StateQuestion(isWithoutStateQuorum: isWithoutStateQuorum)
        let proven = checkState(state, question, of: nil, &list)
        if let proven {
            if let (issuer, name) = proven.key.stream {
                let stream = Stream(
                    issuer: issuer, name: name, newest: proven.value.flatMap { try? StreamLink(decoding: $0) })
                let statements = checkStatements(files, of: stream, &list)
                if let statements { Self.checkChain(statements, of: stream, size: proven.size, &list) }
            } else {
                list.fail(.streamChain, "other-key", "the state proof is of \(proven.key.text), not of a stream")
            }
        } else {
            list.leaveOut(.streamChain, "the state proof does not hold")
        }
        list.note(.freshness, "there is no clock to compare the seal's time with")
        return VerificationReport(subject: .stream, checks: list.checks, state: proven)
    }

    /// What the state proof is of.
    private struct Stream {
        let issuer: String
        let name: String
        /// Nil for a stream that is not in the state.
        let newest: StreamLink?
    }

    /// A statement of the stream.
    private struct Member {
        let file: String
        let event: Event
        let leafHash: Hash
    }

    /// Each file is a statement of the stream's issuer in this stream, signed with a key of the issuer's.
    private func checkStatements(_ files: [StreamFile], of stream: Stream, _ list: inout CheckList) -> [Member]? {
        guard let policy = trust.genesis?.policy else {
            list.leaveOut(
                .streamStatements, "the trust file has no genesis entry, so the issuers' keys are not known")
            return nil
        }
        var members: [Member] = []
        var enrolled: [Hash: Ed25519.PublicKey]?
        for file in files {
            do throws(CheckFailure) {
                let (statement, event) = try Self.read(file, of: stream)
                var signer = policy.signer(of: statement)?.key ?? knownSigner(of: statement)?.key
                if signer == nil, trust.genesis?.leafHash == statement.leafHash {
                    signer = policy.authorities.first { COSEKey($0).thumbprint.bytes == statement.header.keyID }
                }
                if signer == nil {
                    // Once for all files: every state proof given is held to the trust file.
                    let keys = enrolled ?? enrolledKeys(of: stream.issuer, &list)
                    enrolled = keys
                    signer = Hash(statement.header.keyID).flatMap { keys[$0] }
                }
                guard let signer else {
                    throw CheckFailure(
                        "not-enrolled",
                        "\(file.name): the genesis does not enrol the key "
                            + "\(Hex.encode(statement.header.keyID)) for this issuer, and no state proof shows it")
                }
                do { try statement.verify(signer) } catch {
                    throw CheckFailure(error.reason, "\(file.name): \(error)")
                }
                members.append(Member(file: file.name, event: event, leafHash: statement.leafHash))
            } catch {
                list.fail(.streamStatements, error.code, error.sentence)
                return nil
            }
        }
        list.pass(
            .streamStatements, CheckValue("files", UInt64(files.count)), CheckValue("issuer", stream.issuer),
            CheckValue("stream", stream.name))
        return members
    }

    private static func read(
        _ file: StreamFile, of stream: Stream
    ) throws(CheckFailure) -> (SignedStatement, Event) {
        let statement: SignedStatement
        do { statement = try SignedStatement(decoding: file.bytes) } catch {
            throw CheckFailure(error.reason, "\(file.name) is no signed statement: \(error.sentence())")
        }
        guard statement.header.issuer.utf8.elementsEqual(stream.issuer.utf8) else {
            throw CheckFailure("foreign-statement", "\(file.name) is of issuer \(statement.header.issuer)")
        }
        guard statement.header.contentType.utf8.elementsEqual(Event.contentType.utf8) else {
            throw CheckFailure(
                "foreign-statement", "\(file.name) is no event but '\(statement.header.contentType)', so in no stream")
        }
        let event: Event
        do { event = try Event(decoding: statement.payload) } catch {
            throw CheckFailure(error.reason, "\(file.name): \(error)")
        }
        guard event.stream.utf8.elementsEqual(stream.name.utf8) else {
            throw CheckFailure("foreign-statement", "\(file.name) is of stream \(event.stream)")
        }
        return (statement, event)
    }

    /// The issuer's keys that state proofs show. Whether a key counted when a statement was admitted does not matter
    /// here: the chain shows that it was admitted.
    private func enrolledKeys(of issuer: String, _ list: inout CheckList) -> [Hash: Ed25519.PublicKey] {
        var keys: [Hash: Ed25519.PublicKey] = [:]
        for (number, bytes) in stateProofs.enumerated() {
            let question = StateQuestion(expectation: .present, isWithoutStateQuorum: isWithoutStateQuorum)
            let part = stateProofs.count == 1 ? Self.enrolmentPart : "\(Self.enrolmentPart) \(number)"
            guard let proven = checkState(bytes, question, of: part, &list), let value = proven.value else { continue }
            if let record = try? IdentityRecord(decoding: value) {
                let keyID = COSEKey(record.key).thumbprint
                guard proven.key == .identity(issuer: issuer, keyID: keyID) else { continue }
                keys[keyID] = record.key
            } else if let record = try? PolicyRecord(decoding: value) {
                for authority in record.policy.authorities {
                    let key = COSEKey(authority)
                    if KeyDirectory.authorityIssuer(key).hasSameUTF8(as: issuer) { keys[key.thumbprint] = authority }
                }
            }
        }
        return keys
    }

    /// The chain from the first statement to the newest link, and nothing besides.
    private static func checkChain(_ members: [Member], of stream: Stream, size: UInt64, _ list: inout CheckList) {
        guard let newest = stream.newest else {
            if let first = members.first {
                list.fail(
                    .streamChain, "beyond-state",
                    "\(first.file) is of a stream that is not in the state at size \(size)")
            } else {
                list.pass(.streamChain, CheckValue("statements", 0))
            }
            return
        }
        do throws(CheckFailure) {
            try follow(members, to: newest, size: size)
            list.pass(
                .streamChain, CheckValue("statements", newest.seq + 1),
                CheckValue("newest", newest.leafHash.hex), CheckValue("newest-index", newest.index))
        } catch {
            list.fail(.streamChain, error.code, error.sentence)
        }
    }

    private static func follow(_ members: [Member], to newest: StreamLink, size: UInt64) throws(CheckFailure) {
        // The order of the files decides nothing: the first fault is that of the lowest seq.
        let sorted = members.sorted { ($0.event.seq, $0.leafHash, $0.file) < ($1.event.seq, $1.leafHash, $1.file) }
        if let beyond = sorted.first(where: { $0.event.seq > newest.seq }) {
            throw CheckFailure(
                "beyond-state",
                "\(beyond.file) has seq \(beyond.event.seq); the newest at size \(size) has \(newest.seq)")
        }
        var next: UInt64 = 0
        for member in sorted where member.event.seq >= next {
            guard member.event.seq == next else { break }
            next += 1
        }
        guard next == newest.seq + 1 else {
            throw CheckFailure("statement-missing", "the statement with seq \(next) is missing, of 0 to \(newest.seq)")
        }
        // From the newest back, each statement fixes the leaf hash of the one before it.
        var expected: Hash? = newest.leafHash
        var bySeq: [UInt64: [Member]] = [:]
        for member in sorted { bySeq[member.event.seq, default: []].append(member) }
        var fork: CheckFailure?
        var seq = newest.seq
        while let hash = expected {
            let candidates = bySeq[seq] ?? []
            guard let member = candidates.first(where: { $0.leafHash == hash }) else {
                throw CheckFailure(
                    "stream-fork",
                    "\(candidates.first?.file ?? "?") has seq \(seq) and is not the statement that the log has there: "
                        + "that one has leaf hash \(hash)")
            }
            if let other = candidates.first(where: { $0.leafHash != hash }), !Mutant.streamFork.isOff {
                fork = CheckFailure(
                    "stream-fork", "\(other.file) is a second statement with seq \(seq), which the log does not have")
            }
            expected = member.event.prev
            // At seq 0, and only there, an event has no predecessor.
            if expected != nil { seq -= 1 }
        }
        if let fork { throw fork }
    }
}
