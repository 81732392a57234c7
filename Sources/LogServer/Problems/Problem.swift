internal import COSE
internal import Governance
internal import HTTPTypes
internal import LogEngine
internal import Tlog

/// Why a request could not be answered as asked: what the client gets in the place of the answer.
struct Problem: Error, Sendable, Equatable {
    let code: ProblemCode
    /// A sentence for people: what was found and what to do.
    let detail: String
    /// With a statement that was not admitted: the check that refused it, and the entry that set the rule.
    var rule: String?
    var setBy: UInt64?
    /// With a stream's gap or fork: the link that the stream takes next.
    var expected: Rejection.ExpectedLink?
    /// With a stream's fork: the index of the statement that stands there.
    var existingIndex: UInt64?
    /// With a size whose state there is not: the nearest that there is.
    var nearestSize: UInt64?
    /// Seconds to wait before the same request is sent again.
    var retryAfter: Int?
    /// With the status 405: what the resource does allow.
    var allowed: String?
    /// Whether the rest of the request is not wanted, and the connection has to end with the answer.
    var endsConnection = false

    init(_ code: ProblemCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    init(_ rejection: Rejection) {
        self.init(ProblemCode(rejection.code), rejection.detail)
        rule = rejection.rule
        setBy = rejection.setBy
        expected = rejection.expected
        existingIndex = rejection.existingIndex
        retryAfter = rejection.retryAfter
        if retryAfter == nil, rejection.code.isTemporary { retryAfter = 1 }
    }
}

extension Problem {
    /// The key of our entry in a concise problem details object.
    ///
    /// RFC 9290 section 3.2: "The map key can either be an (absolute!) URI (under control of the entity defining this
    /// extension), or an unsigned integer. Only the latter needs to be registered". Nobody else controls a random UUID.
    static let extensionKey = "urn:uuid:00df11c5-f68f-46c8-96f0-2ca36e34bde4"

    /// The problem as RFC 9290 has it: `{-1: title, -2: detail, extensionKey: {"code": code, …}}`.
    var concise: [UInt8] {
        var fields: CBORMap = ["code": .text(code.rawValue)]
        fields["rule"] = rule.map { .text($0) }
        fields["set-by"] = setBy.map { .unsigned($0) }
        if let expected {
            fields["expected-seq"] = .unsigned(expected.seq)
            fields["expected-prev"] = expected.prev.map { .bytes($0.bytes) } ?? .null
        }
        if let existingIndex { fields["existing-index"] = .unsigned(existingIndex) }
        if let nearestSize { fields["nearest-size"] = .unsigned(nearestSize) }
        if let retryAfter { fields["retry-after"] = CBOR(retryAfter) }
        let problem: CBORMap = [
            -1: .text(code.title), -2: .text(detail), .text(Self.extensionKey): .map(fields),
        ]
        return CBOR.map(problem).encoded()
    }

    /// The problem as RFC 9457 has it, with the same fields as extension members.
    ///
    /// RFC 9457 section 3.1.1: "Consumers MUST use the "type" URI (after resolution, if necessary) as the problem
    /// type's primary identifier." Ours is the code, as a fragment of the extension key.
    var json: [UInt8] {
        var members = [
            JSONMember("type", .string("\(Self.extensionKey)#\(code.rawValue)")),
            JSONMember("title", .string(code.title)),
            JSONMember("status", .integer(Int128(code.status.code))),
            JSONMember("detail", .string(detail)),
            JSONMember("code", .string(code.rawValue)),
        ]
        if let rule { members.append(JSONMember("rule", .string(rule))) }
        if let setBy { members.append(JSONMember("set-by", JSON(setBy))) }
        if let expected {
            members.append(JSONMember("expected-seq", JSON(expected.seq)))
            members.append(JSONMember("expected-prev", expected.prev.map { .string($0.hex) } ?? .null))
        }
        if let existingIndex { members.append(JSONMember("existing-index", JSON(existingIndex))) }
        if let nearestSize { members.append(JSONMember("nearest-size", JSON(nearestSize))) }
        if let retryAfter { members.append(JSONMember("retry-after", .integer(Int128(retryAfter)))) }
        return JSON.object(members).line
    }
}

extension JSON {
    /// The text, with a line end for those who read it in a terminal.
    var line: [UInt8] { Array(text().utf8) + [UInt8(ascii: "\n")] }
}
