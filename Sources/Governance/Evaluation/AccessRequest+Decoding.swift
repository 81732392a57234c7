public import COSE
internal import Tlog

extension AccessRequest {
    /// Reads what ``cbor`` has written, as it was asked: nothing is held to the forms that statements demand.
    public init(_ item: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            item, path: "",
            fields: [
                "subject", "action", "resource", "parents", "grant", "policy", "model", "route", "execution",
                "telemetry",
            ])
        try self.init(
            access: Access(
                subject: fields.text("subject"), action: fields.text("action"), resource: fields.text("resource")),
            grant: fields.optional("grant") { name throws(FieldError) in try fields.hash(name) },
            policy: fields.optional("policy") { name throws(FieldError) in try fields.hash(name) },
            model: fields.optional("model") { name throws(FieldError) in
                try Self.modelUse(fields.item(name), fields.path(name))
            },
            route: fields.optional("route") { name throws(FieldError) in try fields.text(name) },
            execution: fields.optional("execution") { name throws(FieldError) in
                try Self.executionID(fields.item(name), fields.path(name))
            },
            parents: fields.elements("parents", count: 0...Int.max) { item, path throws(FieldError) in
                try Self.executionID(item, path)
            },
            telemetry: fields.optional("telemetry") { name throws(FieldError) in try fields.hash(name) })
    }

    private static func modelUse(_ item: CBOR, _ path: String) throws(FieldError) -> ModelUse {
        let fields = try FieldReader(item, path: path, fields: ["model", "purpose", "loaded"])
        let model = try FieldReader(fields.item("model"), path: fields.path("model"), fields: ["name", "version"])
        return ModelUse(
            model: ModelVersion(name: try model.text("name"), version: try model.text("version")),
            purpose: try fields.text("purpose"), loaded: try fields.hashOrNull("loaded"))
    }

    private static func executionID(_ item: CBOR, _ path: String) throws(FieldError) -> ExecutionID {
        let fields = try FieldReader(item, path: path, fields: ["home", "id"])
        return ExecutionID(home: try fields.text("home"), id: try fields.text("id"))
    }
}
