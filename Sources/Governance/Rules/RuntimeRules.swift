internal import COSE
internal import Tlog

/// Attestations and telemetry are recorded as they come: whether a measurement is allowed is asked where something is
/// to run, so that a wrong one stands in the log. What would break a chain is refused.
extension GovernanceState {
    mutating func apply(_ data: RuntimeAttest, _ place: StatementPlace) throws(AdmissionError) {
        let newest = try record(.attestation(place.issuer), AttestationRecord.self)
        guard data.previous == newest?.measurement else {
            throw .rule(
                .measurementChain, newest.map { Hex.encode($0.measurement) } ?? "none", setBy: newest?.index)
        }
        set(
            .attestation(place.issuer),
            AttestationRecord(index: place.index, measurement: data.measurement, time: place.time))
    }

    mutating func apply(_ data: RuntimeHeartbeat, _ place: StatementPlace) throws(AdmissionError) {
        try checkNewest(data.telemetry, place)
        set(.heartbeat(place.issuer), HeartbeatRecord(index: place.index, time: place.time))
    }

    mutating func apply(_ data: TelemetryDigest, _ place: StatementPlace) throws(AdmissionError) {
        try checkNewest(data.previous, place)
        set(
            .telemetry(place.issuer),
            TelemetryRecord(index: place.index, digest: data.digest, until: data.until))
    }

    private func checkNewest(_ named: Hash?, _ place: StatementPlace) throws(AdmissionError) {
        let newest = try record(.telemetry(place.issuer), TelemetryRecord.self)
        guard named == newest?.digest else {
            throw .rule(.telemetryChain, newest?.digest.hex ?? "none", setBy: newest?.index)
        }
    }
}
