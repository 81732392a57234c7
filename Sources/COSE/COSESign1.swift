/// A COSE_Sign1 message (RFC 9052 section 4.2), always tagged: its parts, with nothing verified.
///
/// The protected header stays the bytes that were signed. Other libraries write its keys in any order; those bytes
/// are kept, not re-encoded.
public struct COSESign1: Sendable, Hashable {
    /// The encoded protected header, verbatim; empty for no headers.
    public let protected: [UInt8]
    /// The header that no signature covers. Nothing in it may be trusted.
    public let unprotected: CBORMap
    /// The content; nil when it is detached.
    public let payload: [UInt8]?
    public let signature: [UInt8]

    public init(protected: [UInt8], unprotected: CBORMap = CBORMap(), payload: [UInt8]?, signature: [UInt8]) {
        self.protected = protected
        self.unprotected = unprotected
        self.payload = payload
        self.signature = signature
    }

    /// Takes a message apart. The protected bytes are not looked into.
    ///
    /// - Throws: ``COSEError`` if the bytes are not one tagged COSE_Sign1 array in shortest, definite-length form.
    public init(decoding bytes: [UInt8]) throws(COSEError) {
        let layout = try COSESign1Layout(bytes)
        protected = Array(bytes[layout.protected])
        unprotected = layout.unprotected
        payload = layout.payload.map { Array(bytes[$0]) }
        signature = Array(bytes[layout.signature])
    }

    /// The message with tag 18, the unprotected header in deterministic order.
    public func encoded() -> [UInt8] {
        var writer = CBORWriter(capacity: protected.count + (payload?.count ?? 0) + signature.count + 32)
        writer.tag(18)
        writer.array(count: 4)
        writer.bytes(protected)
        writer.item(.map(unprotected))
        if let payload { writer.bytes(payload) } else { writer.null() }
        writer.bytes(signature)
        return writer.bytes
    }

    /// The Sig_structure (RFC 9052 section 4.4) that a signature over this payload is made of.
    public func toBeSigned(payload: [UInt8]) -> [UInt8] {
        Self.toBeSigned(protected: protected, payload: payload)
    }

    static func toBeSigned(protected: [UInt8], payload: [UInt8]) -> [UInt8] {
        var writer = CBORWriter(capacity: protected.count + payload.count + 32)
        writer.bytes(protected)
        let split = writer.bytes.count
        writer.bytes(payload)
        return toBeSigned(encodedProtected: writer.bytes[..<split], encodedPayload: writer.bytes[split...])
    }

    private static func toBeSigned(encodedProtected: ArraySlice<UInt8>, encodedPayload: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        writeToBeSigned(encodedProtected: encodedProtected, encodedPayload: encodedPayload, over: &bytes)
        return bytes
    }

    /// RFC 9052 section 4.4: `[context: "Signature1", body_protected, external_aad, payload]`. The two parts come
    /// with their CBOR heads, as they stand in a message; there is no external data.
    ///
    /// - Parameter bytes: whatever is in it is written over; its storage is used again.
    static func writeToBeSigned(
        encodedProtected: ArraySlice<UInt8>, encodedPayload: ArraySlice<UInt8>, over bytes: inout [UInt8]
    ) {
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(signatureContext.count + encodedProtected.count + 1 + encodedPayload.count)
        bytes.append(contentsOf: signatureContext)
        bytes.append(contentsOf: encodedProtected)
        bytes.append(0x40)
        bytes.append(contentsOf: encodedPayload)
    }

    /// The head of an array of four, and the text "Signature1".
    private static let signatureContext: [UInt8] = [0x84, 0x6a] + Array("Signature1".utf8)
}
