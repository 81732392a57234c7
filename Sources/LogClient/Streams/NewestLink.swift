import COSE
import Governance
import Tlog

extension LogClient {
    /// The place after the newest statement that the log shows of a stream.
    ///
    /// The log is not taken at its word: the statement it names is fetched, verified under the trust file, and read.
    /// That it is the *newest* can't be verified; see ``StreamRecord`` for what follows from that.
    public func nextPlace(in name: StreamName) async throws(ClientError) -> StreamPlace {
        let path = "streams/\(Self.percentEncoded(name.issuer))/\(Self.percentEncoded(name.stream))"
        guard let answer = try await find(.get(path, maximumAnswerBytes: Limits.stream)) else { return .first }
        guard let json = try? JSON(parsing: answer.body), let seq = json["seq"]?.unsignedValue,
            let leafHash = json["leafHash"]?.stringValue.flatMap({ Hash(hex: $0) })
        else { throw .answerMalformed(path: path, reason: "there is no seq and leafHash in it") }
        guard let found = try await registration(of: .leafHash(leafHash)) else {
            throw .contradiction(path: path, reason: "the log names entry \(leafHash) and does not have it")
        }
        guard let event = try? Event(decoding: found.statement.payload) else {
            throw .contradiction(path: path, reason: "entry \(found.index) is no event")
        }
        guard found.statement.header.issuer == name.issuer, event.stream == name.stream, event.seq == seq else {
            throw .contradiction(
                path: path,
                reason: "entry \(found.index) is number \(event.seq) of stream \(event.stream) of "
                    + "\(found.statement.header.issuer)")
        }
        return StreamPlace(seq: seq + 1, prev: leafHash)
    }

    /// Everything but RFC 3986's unreserved characters as %XX.
    static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
