internal import HTTPServing
internal import LogEngine
internal import Logging
internal import NIOCore

/// One submission while its body comes and until it is answered. It keeps to its event loop.
final class RegistrationExchange: DirectExchange {
    private let request: RegistrationRequest
    private let form: RegistrationRequest.Form
    /// Bytes that the body may have.
    private let limit: Int
    private let deadline: NIODeadline
    private let service: RegistrationService
    private let desk: AnswerDesk
    private var body: [UInt8] = []

    private static let reservedLimit = 16 << 10

    init(
        _ request: RegistrationRequest, _ form: RegistrationRequest.Form, limit: Int, _ service: RegistrationService,
        _ desk: AnswerDesk
    ) {
        (self.request, self.form, self.limit, self.service, self.desk) = (request, form, limit, service, desk)
        deadline = .uptimeNanoseconds(request.arrival) + service.patience
    }

    private var responder: LogResponder { service.responder }

    func receive(_ part: ByteBuffer) -> DirectAnswer? {
        guard body.count + part.readableBytes <= limit else { return refuse(.tooLarge(body: limit)) }
        guard responder.bodyBytes.take(part.readableBytes) else {
            var problem = Problem.overloaded("The server holds as many bytes of submissions as it can; try again.")
            problem.endsConnection = true
            return refuse(problem)
        }
        // In one piece, unless that is much to set aside on the client's word.
        if body.isEmpty { body.reserveCapacity(min(request.announced ?? 0, Self.reservedLimit)) }
        body.append(contentsOf: part.readableBytesView)
        return NIODeadline.now() <= deadline ? nil : refuse(.tooSlow)
    }

    func end(_ answer: @escaping (DirectAnswer) -> Void) {
        switch form {
        case .statement:
            desk.submit(body, timeout: responder.options.submissionTimeout) { result in
                self.giveBack()
                switch result {
                case .success(let registration): answer(self.service.answer(registration, self.request))
                case .failure(let rejection): answer(self.service.answer(Problem(rejection), self.request))
                }
            }
        case .sequence:
            // Some milliseconds of work, which the other connections of the loop shall not wait for.
            let exchange = NIOLoopBound((self, answer), eventLoop: desk.loop)
            Task { [service, body, request, loop = desk.loop] in
                let result: Result<[UInt8], Problem>
                do throws(Problem) {
                    result = .success(try await service.register(sequence: body, request))
                } catch {
                    result = .failure(error)
                }
                loop.execute {
                    let (exchange, answer) = exchange.value
                    exchange.giveBack()
                    switch result {
                    case .success(let sequence): answer(service.answer(sequence: sequence, request))
                    case .failure(let problem): answer(service.answer(problem, request))
                    }
                }
            }
        }
    }

    func abandon() {
        responder.logger.debug("A client went away in the middle of its request")
        giveBack()
    }

    private func refuse(_ problem: Problem) -> DirectAnswer {
        giveBack()
        return service.answer(problem, request)
    }

    /// The exchange is over.
    private func giveBack() {
        responder.bodyBytes.giveBack(body.count)
        responder.requests.giveBack(1)
        body = []
    }
}

extension Problem {
    static func tooLarge(body limit: Int) -> Problem {
        var problem = Problem(
            .tooLarge,
            "The body has more than \(limit) bytes. For large content register a hash envelope (COSE headers 258 to "
                + "260): the statement then holds the content's SHA-256, and the content stays with you. Send a long "
                + "sequence of statements in parts.")
        problem.endsConnection = true
        return problem
    }

    fileprivate static var tooSlow: Problem {
        var problem = Problem(.requestTimeout, "The body did not arrive in time; send it faster, or in parts.")
        problem.endsConnection = true
        return problem
    }
}
