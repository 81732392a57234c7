import COSE
import Governance
import Tlog

/// Models, what runtimes report, and what has no rules of its own.
extension Generator {
    // MARK: Models

    mutating func model() throws {
        guard !models.isEmpty, !once(in: 3) else { return try register() }
        let model = once(in: 15) ? ModelVersion(name: "none", version: "1") : pick(models)
        switch number(6) {
        case 0 where once(in: 2):
            try attempt(ModelRetire(model: model), by: someone("operator", "registrar", "authority"))
        case 1 where once(in: 2):
            try attempt(
                ModelRevoke(model: model, reason: "poisoned"), by: someone("operator", "registrar", "authority"))
        default: try approve(model)
        }
    }

    private mutating func register() throws {
        let model = ModelVersion(name: "m\(number(3))", version: "\(number(4))")
        let data = ModelRegister(
            model: model,
            manifest: [
                ManifestEntry(path: "weights/\(number(3)).bin", digest: hash()),
                ManifestEntry(path: "config.json", digest: hash()),
            ],
            actions: pick([["sort"], ["sort", "send"]]), purposes: pick([["mail"], ["mail", "test"]]))
        guard try attempt(data, by: someone("registrar")) != nil else { return }
        models.append(model)
        later { try $0.approve(model) }
    }

    mutating func approve(_ model: ModelVersion) throws {
        let policy = once(in: 12) ? hash() : log.policy.digest
        try attempt(ModelApprove(model: model, policy: policy), by: someone("operator", "authority"))
    }

    // MARK: Reports

    mutating func runtimeReport() throws {
        let runtime = runtime()
        switch number(3) {
        case 0:
            let newest = try log.record(.attestation(runtime.issuer), AttestationRecord.self)?.measurement
            let previous = once(in: 8) ? pick([nil, [7]]) : newest
            try attempt(RuntimeAttest(measurement: [UInt8(number(3))], previous: previous), by: runtime)
        case 1:
            try attempt(RuntimeHeartbeat(telemetry: telemetry(of: runtime)), by: runtime)
        default:
            let from = UInt64(number(1000))
            let data = TelemetryDigest(
                digest: hash(), previous: try telemetry(of: runtime), from: from, until: from + UInt64(number(3)))
            try attempt(data, by: runtime)
        }
    }

    private mutating func telemetry(of runtime: Actor) throws -> Hash? {
        let newest = try log.record(.telemetry(runtime.issuer), TelemetryRecord.self)?.digest
        return once(in: 8) ? pick([nil, hash()]) : newest
    }

    // MARK: Others

    mutating func other() throws {
        let actor = anybody()
        switch number(4) {
        case 0:
            // Long enough for some policies.
            try attempt("test.blob", .bytes([UInt8](repeating: 5, count: 200 + number(2400))), by: actor)
        case 1, 2:
            let type = pick(["application/json", "text/plain", "application/x"])
            let statement = try WrittenLog.unsigned(
                payload: hash().bytes, contentType: type, issuer: actor.issuer, keyID: actor.keyID)
            _ = try log.attempt(statement)
        default:
            let header = try StatementHeader(
                hashEnvelope: HashEnvelope(
                    preimageContentType: pick([nil, "application/json", "text/plain", Event.contentType])),
                keyID: actor.keyID, issuer: actor.issuer, subject: "urn:example:2")
            let message = COSESign1(
                protected: header.protected(), payload: hash().bytes, signature: [UInt8](repeating: 0, count: 64))
            _ = try log.attempt(SignedStatement(decoding: message.encoded()))
        }
    }
}
