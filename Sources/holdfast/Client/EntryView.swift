import COSE
import Governance
import Tlog

/// An entry as people read it, and as `--json` prints it.
struct EntryView {
    let index: UInt64
    let statement: SignedStatement
    let event: Event?

    init(index: UInt64, statement: SignedStatement) {
        self.index = index
        self.statement = statement
        let isEvent = statement.header.contentType == Event.contentType
        event = isEvent ? try? Event(decoding: statement.payload) : nil
    }

    /// One line, for lists.
    func summary(_ terminal: Terminal) -> String {
        let header = statement.header
        let number = terminal.styled(String(index), .bold)
        let subject = terminal.styled(Terminal.visible(header.subject), .dim)
        guard let event else {
            return "\(number)  \(Terminal.visible(header.issuer))  \(Terminal.visible(header.contentType))  \(subject)"
        }
        let place = "\(Terminal.visible(event.stream))#\(event.seq)"
        return "\(number)  \(Moment.text(event.time))  \(Terminal.visible(event.type))  "
            + "\(Terminal.visible(header.issuer)) \(place)  \(subject)"
    }

    /// All of it.
    func lines(_ terminal: Terminal) -> [String] {
        let header = statement.header
        var lines = [
            "entry         \(index)",
            "id            \(statement.leafHash)",
            "issuer        \(Terminal.visible(header.issuer))",
            "subject       \(Terminal.visible(header.subject))",
            "key           \(Hex.encode(header.keyID))",
            "content type  \(Terminal.visible(header.contentType))",
            "bytes         \(statement.entryBytes.count)",
        ]
        if let time = header.issuedAt { lines.append("issued at     \(Moment.text(time.multipliedClamping(1000)))") }
        if let envelope = header.hashEnvelope {
            lines.append("sha-256       \(Hex.encode(statement.payload))")
            if let type = envelope.preimageContentType { lines.append("of content    \(Terminal.visible(type))") }
            if let location = envelope.payloadLocation { lines.append("kept at       \(Terminal.visible(location))") }
        }
        guard let event else { return lines + content }
        lines += [
            "type          \(Terminal.visible(event.type))",
            "stream        \(Terminal.visible(event.stream)), number \(event.seq)",
            "after         \(event.prev?.hex ?? "nothing: the first of its stream")",
            "time          \(Moment.text(event.time))",
            "data",
        ]
        let data = JSON(event.data).text(.pretty)
        return lines + data.split(separator: "\n").map { "  " + Terminal.visible(String($0)) }
    }

    /// The content of an opaque statement, where it is text and not long.
    private var content: [String] {
        let type = statement.header.contentType
        guard type.hasPrefix("text/") || type.hasSuffix("json"), statement.payload.count <= 4096,
            let text = String(validating: statement.payload, as: UTF8.self)
        else { return [] }
        return ["content"] + text.split(separator: "\n").map { "  " + Terminal.visible(String($0)) }
    }

    /// One object.
    var json: JSON {
        let header = statement.header
        var members = [
            JSONMember("index", JSON(index)), JSONMember("id", .string(statement.leafHash.hex)),
            JSONMember("issuer", .string(header.issuer)), JSONMember("subject", .string(header.subject)),
            JSONMember("key", .string(Hex.encode(header.keyID))),
            JSONMember("contentType", .string(header.contentType)),
            JSONMember("bytes", JSON(UInt64(statement.entryBytes.count))),
        ]
        if let time = header.issuedAt { members.append(JSONMember("issuedAt", JSON(time))) }
        if header.hashEnvelope != nil {
            members.append(JSONMember("sha256", .string(Hex.encode(statement.payload))))
        }
        if let event { members.append(JSONMember("event", event.json)) }
        return .object(members)
    }
}

extension UInt64 {
    /// The product, or the largest number.
    func multipliedClamping(_ factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
