/// Where the parts of an encoded COSE_Sign1 message stand: found in one pass, building nothing but an unprotected
/// header that is not empty.
struct COSESign1Layout {
    /// The protected header's byte string with its head.
    let protectedItem: Range<Int>
    /// The content of the protected header's byte string.
    let protected: Range<Int>
    /// The unprotected header with its head.
    let unprotectedItem: Range<Int>
    let unprotected: CBORMap
    /// The payload's byte string with its head, or the null of a detached payload.
    let payloadItem: Range<Int>
    /// The payload's content; nil when detached.
    let payload: Range<Int>?
    /// The content of the signature's byte string.
    let signature: Range<Int>

    init(_ bytes: [UInt8]) throws(COSEError) {
        var reader = CBORReader(bytes, keyOrder: .any)
        try Self.readStart(&reader)
        let protectedStart = reader.offset
        protected = try Self.read(&reader) { (reader) throws(CBORError) in try reader.byteString() }
        protectedItem = protectedStart..<reader.offset
        let unprotectedStart = reader.offset
        unprotected = try Self.readUnprotected(&reader)
        unprotectedItem = unprotectedStart..<reader.offset
        let payloadStart = reader.offset
        payload = try Self.read(&reader) { (reader) throws(CBORError) in
            let head = try reader.head()
            if head.majorType == 7 && head.argument == 22 { return nil }
            guard head.majorType == 2 else { throw .unexpectedType(offset: head.offset) }
            return try reader.content(of: head)
        }
        payloadItem = payloadStart..<reader.offset
        signature = try Self.read(&reader) { (reader) throws(CBORError) in
            let content = try reader.byteString()
            try reader.finish()
            return content
        }
    }

    /// Tag 18 and the head of an array of four.
    private static func readStart(_ reader: inout CBORReader) throws(COSEError) {
        let tag = try read(&reader) { (reader) throws(CBORError) in try reader.head() }
        // RFC 9942: "Receipts MUST be tagged as COSE_Sign1." RFC 9943 has the same tag on statements.
        guard tag.majorType == 6 else { throw .untagged }
        guard tag.argument == 18 else { throw .wrongTag(tag.argument) }
        let count = try read(&reader) { (reader) throws(CBORError) in try reader.arrayHead() }
        guard count == 4 else { throw .elementCount(count) }
    }

    private static func readUnprotected(_ reader: inout CBORReader) throws(COSEError) -> CBORMap {
        if reader.skipEmptyMap() { return CBORMap() }
        let start = reader.offset
        let item: CBOR
        do {
            item = try reader.item()
        } catch {
            throw .unprotectedHeader(error)
        }
        guard case .map(let map) = item else { throw .unprotectedHeader(.unexpectedType(offset: start)) }
        return map
    }

    private static func read<Part>(
        _ reader: inout CBORReader, _ body: (inout CBORReader) throws(CBORError) -> Part
    ) throws(COSEError) -> Part {
        do {
            return try body(&reader)
        } catch {
            throw .encoding(error)
        }
    }
}
