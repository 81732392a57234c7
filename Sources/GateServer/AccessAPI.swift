package import Gate
internal import Governance
internal import Tlog

/// The routes, without the HTTP library: what is asked, and what is answered.
package struct AccessAPI: Sendable {
    package struct Answer: Sendable, Hashable {
        package let status: Int
        package let contentType: String
        package let body: [UInt8]
        /// Methods that would do, where the method was wrong.
        package var allow: String?

        init(_ status: Int, text: String) {
            self.status = status
            contentType = "text/plain; charset=utf-8"
            body = Array((text + "\n").utf8)
        }

        init(_ json: JSON, status: Int = 200) {
            self.status = status
            contentType = "application/json"
            body = Array(json.text().utf8)
        }

        init(metrics text: String) {
            status = 200
            contentType = "text/plain; version=0.0.4; charset=utf-8"
            body = Array(text.utf8)
        }
    }

    private let gate: Gate
    /// How callers reach it, without a slash at the end.
    private let publicURL: @Sendable () -> String

    package init(_ gate: Gate, publicURL: @escaping @Sendable () -> String) {
        self.gate = gate
        self.publicURL = publicURL
    }

    package enum Method: Sendable { case get, post, other }

    /// Whether the path is one that a caller must be known for.
    package static func needsToken(_ path: String) -> Bool { path.hasPrefix("/access/") || path.hasPrefix("/gate/") }

    package func answer(_ method: Method, _ path: String, body: [UInt8] = []) async -> Answer {
        switch path {
        case "/access/v1/evaluation", "/access/v1/evaluations", "/gate/v1/revalidation":
            guard method == .post else { return wrongMethod("POST") }
            do throws(RequestFault) {
                let members = try RequestValue.object(parsing: body)
                switch path {
                case "/access/v1/evaluation": return try await evaluation(members)
                case "/access/v1/evaluations": return try await evaluations(members)
                default: return try await revalidation(members)
                }
            } catch {
                // AuthZEN 10.1.9: "400 Bad Request: An error message string".
                return Answer(400, text: error.description)
            }
        default:
            guard method == .get else {
                return known(path) == nil ? notFound : wrongMethod("GET, HEAD")
            }
            return known(path) ?? notFound
        }
    }

    private var notFound: Answer { Answer(404, text: "there is nothing at this path") }

    private func wrongMethod(_ methods: String) -> Answer {
        var answer = Answer(405, text: "use \(methods) here")
        answer.allow = methods
        return answer
    }

    private func known(_ path: String) -> Answer? {
        switch path {
        case "/.well-known/authzen-configuration": Answer(metadata)
        case "/gate/v1/standing": Answer(standing)
        case "/healthz": Answer(200, text: "alive")
        case "/readyz": ready
        case "/metrics": Answer(metrics: GateMetricsText.text(gate.numbers.current, gate.currentStanding))
        default: nil
        }
    }

    // MARK: Evaluation

    private func evaluation(_ members: [String: RequestValue]) async throws(RequestFault) -> Answer {
        Answer(await decide(try EvaluationRequest(members, home: gate.origin)).json)
    }

    private func evaluations(_ members: [String: RequestValue]) async throws(RequestFault) -> Answer {
        guard let request = try EvaluationsRequest(members, home: gate.origin) else {
            return try await evaluation(members)
        }
        let answers: [EvaluationAnswer]
        switch request.semantic {
        case .executeAll: answers = await all(request.evaluations)
        case .denyOnFirstDeny: answers = await inOrder(request.evaluations) { !$0.decision }
        case .permitOnFirstPermit: answers = await inOrder(request.evaluations) { $0.decision }
        }
        return Answer(["evaluations": .array(answers.map(\.json))])
    }

    /// "Execute all of the requests (potentially in parallel), return all of the results."
    private func all(_ requests: [Result<EvaluationRequest, RequestFault>]) async -> [EvaluationAnswer] {
        await withTaskGroup(of: (Int, EvaluationAnswer).self) { group in
            for (place, request) in requests.enumerated() {
                group.addTask { (place, await decide(request)) }
            }
            var answers: [Int: EvaluationAnswer] = [:]
            for await (place, answer) in group { answers[place] = answer }
            return requests.indices.compactMap { answers[$0] }
        }
    }

    /// One after the other, until one answer ends it. A permit that is not needed is not recorded.
    private func inOrder(
        _ requests: [Result<EvaluationRequest, RequestFault>], until isLast: (EvaluationAnswer) -> Bool
    ) async -> [EvaluationAnswer] {
        var answers: [EvaluationAnswer] = []
        for request in requests {
            let answer = await decide(request)
            answers.append(answer)
            if isLast(answer) { break }
        }
        return answers
    }

    private func decide(_ request: Result<EvaluationRequest, RequestFault>) async -> EvaluationAnswer {
        switch request {
        case .success(let request): await decide(request)
        case .failure(let fault): EvaluationAnswer(fault)
        }
    }

    private func decide(_ request: EvaluationRequest) async -> EvaluationAnswer {
        do throws(GateError) {
            return EvaluationAnswer(
                try await gate.permit(request.access, files: nil, mayLease: request.mayLease))
        } catch {
            return EvaluationAnswer(error)
        }
    }

    /// Ours: the same request, about something contained that is recovering.
    private func revalidation(_ members: [String: RequestValue]) async throws(RequestFault) -> Answer {
        let request = try EvaluationRequest(members, home: gate.origin)
        guard let scope = request.scope else { throw RequestFault("context.scope says what is to be revalidated") }
        do throws(GateError) {
            let (decision, recorded) = try await gate.revalidate(scope, for: request.access, files: nil)
            return Answer(EvaluationAnswer(revalidated: decision, recorded: recorded).json)
        } catch {
            return Answer(EvaluationAnswer(error).json)
        }
    }

    // MARK: About the gate

    /// AuthZEN, section 9: policy decision point metadata.
    private var metadata: JSON {
        let url = publicURL()
        return [
            "policy_decision_point": .string(url),
            "access_evaluation_endpoint": .string(url + "/access/v1/evaluation"),
            "access_evaluations_endpoint": .string(url + "/access/v1/evaluations"),
        ]
    }

    private var standing: JSON {
        let standing = gate.currentStanding
        var members = [
            JSONMember("ready", .bool(standing.isReady)), JSONMember("origin", .string(gate.origin.text)),
            JSONMember("gate", .string(gate.signer.issuer)),
        ]
        if let head = standing.head {
            members.append(
                JSONMember(
                    "head",
                    [
                        "size": JSON(head.treeHead.size), "root": .string(head.treeHead.root.hex),
                        "time": head.time.map { JSON($0) } ?? .null, "unwitnessed": .bool(head.isUnwitnessed),
                        "stateTime": head.stateTime.map { JSON($0) } ?? .null, "policy": .string(head.policy.hex),
                    ]))
        }
        let troubles = standing.troubles.map { trouble -> JSON in
            [
                "kind": .string(trouble.kind.rawValue), "contains": .bool(trouble.contains),
                "detail": .string(trouble.detail),
            ]
        }
        members.append(JSONMember("troubles", .array(troubles)))
        return .object(members)
    }

    private var ready: Answer {
        let standing = gate.currentStanding
        guard !standing.isReady else { return Answer(200, text: "ready") }
        return Answer(503, text: standing.troubles.map { "\($0.kind.rawValue): \($0.detail)" }.joined(separator: "\n"))
    }
}
