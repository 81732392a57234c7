public import Governance

extension Gate: RuntimeRecords {
    public func newestTelemetry(of issuer: String) async throws(GateError) -> TelemetryRecord? {
        await state(.telemetry(issuer), TelemetryRecord.self)
    }
}
