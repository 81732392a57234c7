internal import COSE
internal import Governance
internal import HTTPTypes
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import Tlog

/// What the governance state says, as JSON: the policy in force, and the lists of the state.
///
/// Every answer is of one sealed size of the published log, and every item names the key of the state, and the entry,
/// to prove it with.
extension LogResponder {
    // MARK: Lists

    /// One page of a list of the state.
    ///
    /// - Parameters:
    ///   - prefixes: of the keys; nil for all of the list's.
    ///   - more: what is said besides the items.
    func list(
        _ list: StateList, _ incoming: IncomingRequest, prefixes: [[UInt8]]? = nil,
        more: (StateView, Bool) throws -> [JSONMember] = { _, _ in [] }
    ) throws -> Response {
        let prefixes = prefixes ?? list.prefixes
        let request = try PageRequest(Query(incoming.target.query, allowing: PageRequest.parameters), in: prefixes)
        let path = (options.baseURL ?? "") + incoming.target.path
        return try state(incoming, size: request.size) { view in
            let page = try view.page(prefixes, after: request.after, limit: request.limit)
            var printer = try RecordPrinter(view)
            let items = try page.items.map { try printer.json(list, $0.key, $0.value) }
            var next = JSON.null
            if !page.isLast, let last = page.items.last {
                next = .string(request.next(path, last: last.key, size: view.size))
            }
            let members = try more(view, page.items.isEmpty && request.after == nil)
            return members + [JSONMember("items", .array(items)), JSONMember("next", next)]
        }
    }

    /// The keys of one issuer, and what is known of it as a runtime.
    func identities(of issuer: String, _ incoming: IncomingRequest) throws -> Response {
        try list(.identity, incoming, prefixes: StateList.identities(of: issuer)) { view, isEmpty in
            let facts = try [
                ("attestation", StateKey.attestation(issuer)), ("heartbeat", .heartbeat(issuer)),
                ("telemetry", .telemetry(issuer)), ("containment", .containment(.runtime(issuer))),
            ].map { name, key in JSONMember(name, try view.value(key).map { JSON(key, $0) } ?? .null) }
            if isEmpty {
                throw Self.unknown("key of the issuer \(issuer)", at: view.size)
            }
            return [JSONMember("issuer", .string(issuer))] + facts
        }
    }

    // MARK: Single things

    /// The policy in force, and the approvals of others that are not enough yet.
    func policy(_ incoming: IncomingRequest) throws -> Response {
        try state(incoming) { view in
            guard let value = try view.value(.policy) else {
                throw StoreError(.corrupt, "the state at size \(view.size) has no policy")
            }
            let approvals = try view.value(.approvals).map { JSON(.approvals, $0) } ?? .null
            return (JSON(.policy, value).objectValue ?? []) + [JSONMember("approvals", approvals)]
        }
    }

    /// A grant with those that it was handed on from.
    func grant(_ name: String, _ incoming: IncomingRequest) throws -> Response {
        guard let id = Hash(hex: name) else {
            throw Problem(
                .badParameter, "A grant is named by its statement's leaf hash, 64 lowercase hexadecimal digits.")
        }
        return try state(incoming) { view in
            var printer = try RecordPrinter(view)
            guard let grant = try printer.json(.grant, .grant(id)) else {
                throw Self.unknown("grant \(id.hex)", at: view.size, key: .grant(id))
            }
            return (grant.objectValue ?? []) + [JSONMember("chain", .array(try printer.chain(above: id)))]
        }
    }

    func model(_ name: String, _ version: String, _ incoming: IncomingRequest) throws -> Response {
        try state(incoming) { view in
            var printer = try RecordPrinter(view)
            let key = StateKey.model(ModelVersion(name: name, version: version))
            guard let model = try printer.json(.model, key) else {
                throw Self.unknown("version \(version) of the model \(name)", at: view.size, key: key)
            }
            return model.objectValue ?? []
        }
    }

    /// An execution with what it was started under.
    func execution(_ home: String, _ id: String, _ incoming: IncomingRequest) throws -> Response {
        try state(incoming) { view in
            let id = ExecutionID(home: home, id: id)
            let key = StateKey.execution(id)
            guard let value = try view.value(key) else {
                throw Self.unknown("execution \(id.id) of \(home)", at: view.size, key: key)
            }
            return (JSON(key, value).objectValue ?? [])
                + (try view.ground(of: ExecutionRecord(record: value), id))
        }
    }

    func lineage(_ home: String, _ id: String, _ incoming: IncomingRequest) throws -> Response {
        let query = try Query(incoming.target.query, allowing: ["size", "depth", "limit"])
        let (limit, depth) = (try query.limit(), try query.number("depth") ?? UInt64(Lineage.defaultDepth))
        guard (1...UInt64(Lineage.maxDepth)).contains(depth) else {
            throw Problem(.badParameter, "The parameter depth is \(depth); it can be 1 to \(Lineage.maxDepth).")
        }
        return try state(incoming, size: query.number("size")) { view in
            let id = ExecutionID(home: home, id: id)
            guard let lineage = try Lineage(of: id, in: view, depth: Int(depth), limit: limit) else {
                throw Self.unknown("execution \(id.id) of \(home)", at: view.size, key: .execution(id))
            }
            return [
                JSONMember("execution", JSON(record: id.cbor)), JSONMember("depth", JSON(depth)),
                JSONMember("limit", JSON(UInt64(limit))),
            ] + lineage.members
        }
    }

    // MARK: Entries

    func statements(_ incoming: IncomingRequest) throws -> Response {
        let query = try Query(incoming.target.query, allowing: StatementList.parameters)
        let list = try StatementList(query)
        let path = (options.baseURL ?? "") + incoming.target.path
        return try answer(incoming, .revalidate) { snapshot, head in
            let found = try list.indices(in: snapshot, size: head.size)
            let page = found.prefix(list.limit)
            var next = JSON.null
            if found.count > list.limit, let last = page.last {
                next = .string(query.next(path, ["before": String(last), "limit": String(list.limit)]))
            }
            let items = try page.map { try StatementList.json($0, in: snapshot) }
            return (head.size, [JSONMember("items", .array(items)), JSONMember("next", next)])
        }
    }

    // MARK: Answers

    /// An answer that has no other parameter than the size.
    private func state(_ incoming: IncomingRequest, _ body: (StateView) throws -> [JSONMember]) throws -> Response {
        let query = try Query(incoming.target.query, allowing: ["size"])
        return try state(incoming, size: query.number("size"), body)
    }

    /// An answer from the state at one size, which it names.
    private func state(
        _ incoming: IncomingRequest, size: UInt64?, _ body: (StateView) throws -> [JSONMember]
    ) throws -> Response {
        try answer(incoming, size == nil ? .revalidate : .pinned) { snapshot, head in
            let view = try StateView(snapshot, head, size: size)
            return (view.size, [JSONMember("time", JSON(view.time))] + (try body(view)))
        }
    }

    /// An answer that is a function of its address and the size that it names: the size is its version.
    private func answer(
        _ incoming: IncomingRequest, _ cache: CachePolicy,
        _ body: (any LogSnapshot, PublishedHead) throws -> (size: UInt64, members: [JSONMember])
    ) throws -> Response {
        _ = try incoming.preferred(.json)
        let (size, members) = try log.read(body)
        let tag = "\"\(facts.cacheTag)/\(size)\""
        var response: Response
        if incoming.hasCopy(tag) {
            response = Response(status: .notModified)
            response.headers[.cacheControl] = cache.rawValue
        } else {
            response = Response(.ok, .json, cache, JSON.object([JSONMember("size", JSON(size))] + members).line)
        }
        response.headers[.eTag] = tag
        return response
    }

    private static func unknown(_ what: String, at size: UInt64, key: StateKey? = nil) -> Problem {
        let proof = key.map { ", which /state/\($0.text)?size=\(size) proves" } ?? ""
        return Problem(.notFound, "The state at size \(size) has no \(what)\(proof).")
    }
}

extension StateView {
    /// What an execution stands on: its permit or lease, its model, and whether it is contained.
    fileprivate func ground(of record: ExecutionRecord, _ id: ExecutionID) throws -> [JSONMember] {
        var (permit, lease): (StateKey?, StateKey?) = (nil, nil)
        switch record.start.permission {
        case .permit(let nonce): permit = .decision(nonce)
        case .lease(let id): lease = .lease(id)
        }
        let model = record.start.model.map { StateKey.model($0) }
        let keys: [(name: String, key: StateKey?)] = [
            ("permit", permit), ("lease", lease), ("model", model), ("containment", .containment(.execution(id))),
        ]
        return try keys.map { name, key in
            guard let key, let value = try value(key) else { return JSONMember(name, .null) }
            return JSONMember(name, JSON(key, value))
        }
    }
}
