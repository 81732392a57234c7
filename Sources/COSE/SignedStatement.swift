public import Tlog

/// A signed statement as a log registers it: a tagged COSE_Sign1 with its payload and an empty unprotected header.
///
/// Having one means that its form is right. Whether the signature is right, ``verify(_:)-(COSEKey)`` says.
public struct SignedStatement: Sendable {
    /// "Each entry is prefixed with its length as a big-endian uint16" (tlog-tiles): what fits in an entry bundle.
    public static let entryByteLimit = 65_535

    /// All there is, behind one reference: a statement is handed on many times on its way into a log. Small, as it has left
    /// the processor's caches when it is needed again.
    @usableFromInline
    final class Parts: Sendable {
        @usableFromInline let readHeader: ReadHeader
        @usableFromInline let entryBytes: [UInt8]
        @usableFromInline let leafHash: Hash
        let places: Places

        init(readHeader: ReadHeader, entryBytes: [UInt8], places: Places, leafHash: Hash) {
            self.readHeader = readHeader
            self.entryBytes = entryBytes
            self.places = places
            self.leafHash = leafHash
        }
    }

    /// A header, behind one reference that any number of statements share.
    @usableFromInline
    final class ReadHeader: Sendable {
        @usableFromInline let header: StatementHeader

        init(_ header: StatementHeader) { self.header = header }
    }

    /// Places in ``entryBytes``; the items are byte strings with their heads.
    struct Places {
        let protectedItem: Place
        let protected: Place
        let payloadItem: Place
        let payload: Place
        let signature: Place
    }

    /// A place in an entry, which has no more bytes than ``entryByteLimit``.
    struct Place {
        private let start: UInt16
        private let end: UInt16

        init(_ range: Range<Int>) {
            start = UInt16(range.lowerBound)
            end = UInt16(range.upperBound)
        }

        var range: Range<Int> { Int(start)..<Int(end) }
    }

    @usableFromInline let parts: Parts

    /// What the protected header says.
    @inlinable public var header: StatementHeader { parts.readHeader.header }
    /// The canonical bytes: the outer array in deterministic encoding with tag 18, the unprotected header emptied,
    /// protected header and payload as they were signed. This is the log's entry.
    @inlinable public var entryBytes: [UInt8] { parts.entryBytes }
    /// The RFC 6962 leaf hash of ``entryBytes``; its lowercase hex is the entry's identifier.
    @inlinable public var leafHash: Hash { parts.leafHash }

    package var payloadRange: Range<Int> { parts.places.payload.range }

    /// The encoded protected header, as it was signed.
    public var protected: [UInt8] { Array(entryBytes[parts.places.protected.range]) }
    /// The content.
    public var payload: [UInt8] { Array(entryBytes[parts.places.payload.range]) }
    /// 64 bytes.
    public var signature: [UInt8] { Array(entryBytes[parts.places.signature.range]) }

    /// Reads a statement and makes it canonical: whatever is in the unprotected header is dropped. Bytes that are
    /// canonical already are kept without a copy. The signature is not verified.
    ///
    /// - Parameter bytes: one tagged COSE_Sign1 message.
    /// - Throws: ``StatementError``.
    public init(decoding bytes: [UInt8]) throws(StatementError) {
        try self.init(decoding: bytes, hash: nil, after: nil)
    }

    /// Reads statements one after the other, each as ``init(decoding:)`` does, in less time: they are hashed two at a
    /// time, and what a protected header says is not read again where the statement before has the same, as most of a
    /// stream have.
    ///
    /// - Returns: one result for each message, in order.
    public static func decode(
        _ messages: ArraySlice<[UInt8]>
    ) -> [Result<SignedStatement, StatementError>] {
        decode(messages, leafHashes: Hash.leaves(messages)[...])
    }

    /// The same, for who has computed the leaf hashes of these very bytes.
    package static func decode(
        _ messages: ArraySlice<[UInt8]>, leafHashes: ArraySlice<Hash>
    ) -> [Result<SignedStatement, StatementError>] {
        precondition(leafHashes.count == messages.count)
        var last: SignedStatement?
        var results: [Result<SignedStatement, StatementError>] = []
        results.reserveCapacity(messages.count)
        for (index, hash) in zip(messages.indices, leafHashes) {
            do throws(StatementError) {
                let statement = try SignedStatement(decoding: messages[index], hash: hash, after: last)
                last = statement
                results.append(.success(statement))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// - Parameters:
    ///   - hash: the leaf hash of these very bytes, where it is known.
    ///   - last: another statement, with which this one may share its header.
    private init(decoding bytes: [UInt8], hash: Hash?, after last: SignedStatement?) throws(StatementError) {
        let layout: COSESign1Layout
        do {
            layout = try COSESign1Layout(bytes)
        } catch {
            throw .envelope(error)
        }
        try self.init(bytes, layout: layout, hash: hash, after: last)
    }

    /// The same, for a message that has been taken apart.
    init(
        _ bytes: [UInt8], layout: COSESign1Layout, hash: Hash? = nil, after last: SignedStatement? = nil
    ) throws(StatementError) {
        // The empty map that takes the unprotected header's place has one byte.
        let dropped = layout.unprotectedItem.count - 1
        let entryCount = bytes.count - dropped
        guard entryCount <= Self.entryByteLimit else {
            throw .envelope(.tooLarge(bytes: entryCount, limit: Self.entryByteLimit))
        }
        guard let payload = layout.payload else { throw .payloadMissing }
        guard layout.signature.count == Ed25519.signatureByteCount else {
            throw .envelope(.signatureLength(layout.signature.count))
        }
        let readHeader: ReadHeader
        if let last, layout.unprotected.isEmpty, last.hasProtected(bytes, in: layout.protected) {
            readHeader = last.parts.readHeader
        } else {
            readHeader = ReadHeader(
                try StatementHeader(bytes, in: layout.protected, unprotected: layout.unprotected))
        }
        if readHeader.header.hashEnvelope != nil, payload.count != Hash.byteCount {
            throw .digestLength(payload.count)
        }
        let entryBytes = dropped == 0 ? bytes : Self.canonical(bytes, unprotected: layout.unprotectedItem)
        parts = Parts(
            readHeader: readHeader, entryBytes: entryBytes,
            places: Places(
                protectedItem: Place(layout.protectedItem), protected: Place(layout.protected),
                payloadItem: Place(layout.payloadItem.moved(by: -dropped)),
                payload: Place(payload.moved(by: -dropped)), signature: Place(layout.signature.moved(by: -dropped))),
            leafHash: dropped == 0 ? hash ?? .leaf(entryBytes) : .leaf(entryBytes))
    }

    /// Whether the protected header of another message is this one's, byte for byte: then it says the same.
    private func hasProtected(_ bytes: [UInt8], in range: Range<Int>) -> Bool {
        entryBytes.span.extracting(parts.places.protected.range).hasSameBytes(as: bytes.span.extracting(range))
    }

    /// RFC 9943 section 6.3: "the unprotected header of a Signed Statement MUST be set to an empty map before the
    /// Signed Statement can be included in a Statement Sequence." All else in the array is in its one shortest
    /// form, or it would not have been read.
    private static func canonical(_ bytes: [UInt8], unprotected: Range<Int>) -> [UInt8] {
        var entry: [UInt8] = []
        entry.reserveCapacity(bytes.count - unprotected.count + 1)
        entry.append(contentsOf: bytes[..<unprotected.lowerBound])
        entry.append(0xa0)
        entry.append(contentsOf: bytes[unprotected.upperBound...])
        return entry
    }

    /// Throws unless the key identifier is this key's thumbprint and the signature is this key's.
    ///
    /// - Throws: ``StatementError/envelope(_:)`` with ``COSEError/keyMismatch`` or ``COSEError/badSignature``.
    public func verify(_ key: COSEKey) throws(StatementError) {
        var scratch: [UInt8] = []
        try verify(key, scratch: &scratch)
    }

    /// The same for who verifies one after the other.
    ///
    /// - Parameter scratch: storage for what was signed, used again each time; its content means nothing.
    package func verify(_ key: COSEKey, scratch: inout [UInt8]) throws(StatementError) {
        guard key.thumbprint == header.thumbprint else { throw .envelope(.keyMismatch) }
        let places = parts.places
        COSESign1.writeToBeSigned(
            encodedProtected: entryBytes[places.protectedItem.range],
            encodedPayload: entryBytes[places.payloadItem.range],
            over: &scratch)
        guard key.publicKey.isValid(signature: entryBytes[places.signature.range], for: scratch) else {
            throw .envelope(.badSignature)
        }
    }

    /// Throws unless the key identifier is this key's thumbprint and the signature is this key's. Who verifies
    /// many statements of one key keeps its ``COSEKey``, which knows its thumbprint.
    public func verify(_ key: Ed25519.PublicKey) throws(StatementError) {
        try verify(COSEKey(key))
    }
}

extension SignedStatement: Hashable {
    public static func == (left: SignedStatement, right: SignedStatement) -> Bool {
        left.parts === right.parts || left.entryBytes == right.entryBytes
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(leafHash)
    }
}

extension SignedStatement {
    /// Signs a statement.
    ///
    /// - Parameters:
    ///   - payload: the content.
    ///   - contentType: its media type.
    ///   - issuer: who makes the statement, a URI.
    ///   - subject: what it is about.
    ///   - issuedAt: seconds since 1970, left out if nil.
    ///   - key: the issuer's key.
    /// - Throws: ``StatementError`` if a field can't be, or the entry would be longer than ``entryByteLimit``.
    public static func sign(
        payload: [UInt8], contentType: String, issuer: String, subject: String, issuedAt: UInt64? = nil,
        key: Ed25519.SigningKey
    ) throws(StatementError) -> SignedStatement {
        let header = try StatementHeader(
            contentType: contentType, keyID: COSEKey(key.publicKey).thumbprint, issuer: issuer, subject: subject,
            issuedAt: issuedAt)
        return try sign(header, payload: payload, key: key)
    }

    /// Signs a statement over the digest of something that is kept elsewhere.
    ///
    /// - Throws: ``StatementError`` if a field can't be, or the entry would be longer than ``entryByteLimit``.
    public static func sign(
        digest: Hash, envelope: HashEnvelope, issuer: String, subject: String, issuedAt: UInt64? = nil,
        key: Ed25519.SigningKey
    ) throws(StatementError) -> SignedStatement {
        let header = try StatementHeader(
            hashEnvelope: envelope, keyID: COSEKey(key.publicKey).thumbprint, issuer: issuer, subject: subject,
            issuedAt: issuedAt)
        return try sign(header, payload: digest.bytes, key: key)
    }

    /// Signs a payload under a header. The header's key identifier has to be the key's thumbprint.
    ///
    /// - Throws: ``StatementError`` if the entry would be longer than ``entryByteLimit``, the key identifier is
    ///   another key's, or a digest has not 32 bytes.
    public static func sign(
        _ header: StatementHeader, payload: [UInt8], key: Ed25519.SigningKey
    ) throws(StatementError) -> SignedStatement {
        guard header.thumbprint == COSEKey(key.publicKey).thumbprint else { throw .envelope(.keyMismatch) }
        let protected = header.protected()
        let signature = key.sign(COSESign1.toBeSigned(protected: protected, payload: payload))
        let message = COSESign1(protected: protected, payload: payload, signature: signature)
        return try SignedStatement(decoding: message.encoded())
    }
}

extension Range<Int> {
    fileprivate func moved(by distance: Int) -> Range<Int> {
        lowerBound + distance..<upperBound + distance
    }
}
