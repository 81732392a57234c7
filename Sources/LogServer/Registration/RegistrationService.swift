internal import COSE
internal import Governance
internal import HTTPServing
internal import HTTPTypes
internal import LogEngine
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// `POST /entries`, served on the event loops of the connections: a statement is read and verified where it arrives, and
/// what one batch has decided is answered at once.
final class RegistrationService: DirectResponder {
    let responder: LogResponder
    private let desks = Mutex<[ObjectIdentifier: AnswerDesk]>([:])

    init(_ responder: LogResponder) {
        self.responder = responder
    }

    var patience: TimeAmount { TimeAmount(responder.options.bodyTimeout) }

    func serves(_ head: HTTPRequestHead) -> Bool {
        head.method == .POST && (head.uri == "/entries" || RouteMatch(RequestTarget(head.uri))?.route == .entries)
    }

    func begin(_ head: HTTPRequestHead, from peer: ClientAddress?, on loop: any EventLoop) -> DirectDecision {
        let request = RegistrationRequest(head, from: peer, responder.identification)
        do throws(Problem) {
            try LogResponder.checkHost(fields: request.hosts)
            try responder.charge(responder.submissions, to: request.client, at: request.arrival)
            return .receive(try exchange(request, on: loop))
        } catch {
            return .answer(answer(error, request))
        }
    }

    private func exchange(
        _ request: RegistrationRequest, on loop: any EventLoop
    ) throws(Problem) -> RegistrationExchange {
        try responder.takeRequest()
        do throws(Problem) {
            guard responder.log.latest != nil else { throw LogResponder.notPublished }
            let form = try request.form
            let limit = form == .statement ? statementLimit : responder.options.maxSequenceBytes
            if let announced = request.announced, announced > limit { throw Problem.tooLarge(body: limit) }
            return RegistrationExchange(request, form, limit: limit, self, desk(of: loop))
        } catch {
            responder.requests.giveBack(1)
            throw error
        }
    }

    /// Bytes of a body that is one statement. The unprotected header is dropped before the policy's limit counts, so
    /// there is some room for it: a transparent statement may come back with its receipt.
    private var statementLimit: Int {
        responder.options.maxStatementBytes ?? Int(clamping: responder.log.limits.maxEntryBytes) + (16 << 10)
    }

    private func desk(of loop: any EventLoop) -> AnswerDesk {
        desks.withLock { desks in
            if let desk = desks[ObjectIdentifier(loop)] { return desk }
            let desk = AnswerDesk(responder.log, loop)
            desks[ObjectIdentifier(loop)] = desk
            return desk
        }
    }

    // MARK: Answers

    /// SCRAPI: "If the Transparency Service is able to produce a Receipt within a reasonable time, it MAY return it
    /// directly. Along with the receipt the Transparency Service MAY return a locator in the HTTP response Location
    /// header". A statement that was there before gets its old index, a fresh receipt and the status 200.
    func answer(_ registration: Registration, _ request: RegistrationRequest) -> DirectAnswer {
        let answer = DirectAnswer(
            registration.duplicate ? .ok : .created,
            [
                ("Content-Type", MediaType.cose.text), ("Cache-Control", CachePolicy.never.rawValue),
                ("Location", responder.location(registration.leafHash)),
                ("Holdfast-Index", String(registration.index)),
            ],
            registration.encodedReceipt())
        responder.record(.entries, .post, status: answer.status, since: request.arrival)
        return answer
    }

    /// - Parameter sequence: one result a statement.
    func answer(sequence: [UInt8], _ request: RegistrationRequest) -> DirectAnswer {
        responder.record(.entries, .post, status: .ok, since: request.arrival)
        return DirectAnswer(
            .ok,
            [("Content-Type", MediaType.cborSequence.text), ("Cache-Control", CachePolicy.never.rawValue)], sequence)
    }

    func answer(_ problem: Problem, _ request: RegistrationRequest) -> DirectAnswer {
        responder.record(.entries, .post, status: problem.code.status, since: request.arrival)
        return problem.answer(accept: request.accept, isJSON: false)
    }
}
