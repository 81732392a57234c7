internal import Governance
package import LogClient
internal import Verification

/// A gate: asks whether something may be done, before it is done. The interface is OpenID AuthZEN 1.0.
///
/// ```swift
/// let gate = try HoldfastGate(url: "http://127.0.0.1:8788")
/// let decision = try await gate.evaluate(
///     GateQuestion(subject: "spiffe://example.org/agent", action: "read", resource: "inbox/7"))
/// guard decision.isPermitted else { return }
/// ```
///
/// A gate that can't be reached, or whose answer can't be read, permits nothing: ``evaluate(_:)`` throws then, and
/// whoever asked must not go on.
public struct HoldfastGate: Sendable {
    private let transport: any Transport
    private let url: String
    private let token: String?
    private static let path = "access/v1/evaluation"
    /// No decision is longer.
    private static let limit = 1 << 20

    /// - Parameters:
    ///   - url: the gate's address. Its answers are believed: let it be on the same machine, or HTTPS.
    ///   - token: the bearer token that the gate wants; nil if it wants none.
    ///   - timeout: how long one answer may take; a recorded permit takes as long as the log needs to publish.
    ///   - certificates: a PEM file with the authorities to trust for HTTPS; nil for those of the system.
    public init(
        url: String, token: String? = nil, timeout: Duration = .seconds(30), certificates: String? = nil
    ) throws(HoldfastError) {
        guard let address = LogURL(url) else {
            throw HoldfastError(code: "url", message: "'\(url)' is no http or https URL")
        }
        self.init(
            url: address.text, token: token,
            transport: HTTPTransport(base: address.text, timeout: timeout, certificates: certificates))
    }

    package init(url: String, token: String? = nil, transport: any Transport) {
        self.url = url
        self.token = token
        self.transport = transport
    }

    /// Closes the connections. Call it once, when nothing more is asked.
    public func close() async {
        await transport.shutdown()
    }

    /// Asks, once: a question is not repeated by itself, because a recorded permit is one entry of the log.
    public func evaluate(_ question: GateQuestion) async throws(HoldfastError) -> GateDecision {
        var request = ClientRequest.post(
            Self.path, Array(question.json.text().utf8), contentType: "application/json",
            maximumAnswerBytes: Self.limit)
        if let token { request.headers.append(.init("Authorization", "Bearer \(token)")) }
        let response: ClientResponse
        do {
            response = try await transport.send(request)
        } catch {
            switch error {
            case .unreachable(let reason):
                throw HoldfastError(
                    code: "unreachable", message: "the gate at \(url) is not reached: \(reason)", isTemporary: true)
            case .timedOut:
                throw HoldfastError(
                    code: "timed-out", message: "the gate at \(url) did not answer in time", isTemporary: true)
            case .tooLarge(let limit):
                throw HoldfastError(code: "too-large", message: "the gate's answer has more than \(limit) bytes")
            }
        }
        guard response.status == 200 else {
            // AuthZEN has a sentence as the body of an error.
            let said = String(decoding: response.body.prefix(1000), as: UTF8.self).withoutControls
            throw HoldfastError(
                code: "gate", message: "the gate did not decide: HTTP status \(response.status) \(said)",
                isTemporary: [429, 502, 503, 504].contains(response.status))
        }
        // AuthZEN 1.0: "decision: REQUIRED. A boolean value".
        guard let body = try? JSON(parsing: response.body), let decision = body["decision"]?.boolValue else {
            throw HoldfastError(code: "answer-malformed", message: "the gate's answer has no decision")
        }
        return GateDecision(decision, context: body["context"])
    }
}

/// What a gate is asked: may this subject do this with that?
public struct GateQuestion: Sendable {
    /// The identity that wants to act, a URI.
    public var subject: String
    public var action: String
    public var resource: String
    /// AuthZEN's types of subject and resource.
    public var subjectType: String
    public var resourceType: String
    /// What the gate takes besides: the grant, the model with its purpose, the execution.
    public var context: RecordValue

    public init(
        subject: String, action: String, resource: String, subjectType: String = "identity",
        resourceType: String = "resource", context: RecordValue = .object([:])
    ) {
        self.subject = subject
        self.action = action
        self.resource = resource
        self.subjectType = subjectType
        self.resourceType = resourceType
        self.context = context
    }

    /// AuthZEN 1.0 section 5: subject, action, resource, context.
    var json: JSON {
        [
            "subject": ["type": .string(subjectType), "id": .string(subject)], "action": ["name": .string(action)],
            "resource": ["type": .string(resourceType), "id": .string(resource)], "context": context.json,
        ]
    }
}

/// What a gate decided.
public struct GateDecision: Sendable, Hashable {
    /// Whether it may be done. A gate that can't tell says no.
    public let isPermitted: Bool
    /// The entry of the log that records the decision; nil if it is not on record.
    public let entry: UInt64?
    /// The permit that an `execution.start` names, in hex; nil if there is none.
    public let permit: String?
    /// Why not, for people; nil of a permit.
    public let reason: String?
    /// All that the gate says with it, a JSON object (`spec/gate.md`): the ten steps, the checks that failed, why, and
    /// what would mend them.
    public let context: String

    init(_ isPermitted: Bool, context: JSON?) {
        self.isPermitted = isPermitted
        entry = context?["recorded"]?["index"]?.unsignedValue
        permit = isPermitted ? context?["permit"]?["nonce"]?.stringValue : nil
        reason = isPermitted ? nil : Self.words(context?["reason_user"]) ?? context?["reason"]?.stringValue
        self.context = context?.text() ?? "{}"
    }

    /// AuthZEN 1.0: reasons are objects of texts by language, or plain texts.
    private static func words(_ reason: JSON?) -> String? {
        reason?.stringValue ?? reason?["en"]?.stringValue ?? reason?.objectValue?.first?.value.stringValue
    }
}
