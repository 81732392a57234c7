internal import HTTPTypes

/// The resources of the server. The raw value is the path as `spec/openapi.yaml` writes it, and the label in metrics.
///
/// Paths are matched exactly, segment by segment, so that one resource has one address: no empty segments, no other
/// case. That, the 405 with the methods that are allowed, and labels from a fixed set are why the matching is done
/// here.
enum Route: String, CaseIterable, Sendable {
    case home = "/"
    case entries = "/entries"
    case entry = "/entries/{id}"
    case entryStatement = "/entries/{id}/statement"
    case entryProof = "/entries/{id}/proof"
    case keys = "/.well-known/scitt-keys"
    case key = "/.well-known/scitt-keys/{kid}"
    case genesis = "/genesis"
    case checkpoint = "/checkpoint"
    case tile = "/tile/{level}/{index}"
    case entryBundle = "/tile/entries/{index}"
    case inclusionProof = "/proof/inclusion"
    case consistencyProof = "/proof/consistency"
    case stream = "/streams/{issuer}/{name}"
    case metrics = "/metrics"
    case health = "/healthz"
    case readiness = "/readyz"

    /// Its place among all.
    var ordinal: Int { Self.ordinals[self, default: 0] }

    private static let ordinals = Dictionary(uniqueKeysWithValues: zip(allCases, allCases.indices))

    /// What the resource does besides OPTIONS. Whatever can be read can be asked for with HEAD.
    var methods: [HTTPRequest.Method] { self == .entries ? [.post] : [.get, .head] }

    /// For the Allow field.
    var allowed: String { self == .entries ? "POST, OPTIONS" : "GET, HEAD, OPTIONS" }

    /// Whether the answer costs next to nothing and has to come however busy the server is.
    var isProbe: Bool { self == .health || self == .readiness }
}

/// A path that names a resource, with the segments that vary, decoded.
struct RouteMatch: Sendable {
    let route: Route
    /// In the order of the path. For tiles: the whole path without its first slash.
    let arguments: [String]

    /// Nil for a path that names no resource.
    init?(_ target: RequestTarget) {
        guard let segments = target.segments else { return nil }
        switch (segments.count, segments[0]) {
        case (1, ""): self.init(.home)
        case (1, "entries"): self.init(.entries)
        case (1, "checkpoint"): self.init(.checkpoint)
        case (1, "genesis"): self.init(.genesis)
        case (1, "metrics"): self.init(.metrics)
        case (1, "healthz"): self.init(.health)
        case (1, "readyz"): self.init(.readiness)
        case (2, "entries"): self.init(.entry, segments[1])
        case (3, "entries") where segments[2] == "statement": self.init(.entryStatement, segments[1])
        case (3, "entries") where segments[2] == "proof": self.init(.entryProof, segments[1])
        case (2, ".well-known") where segments[1] == "scitt-keys": self.init(.keys)
        case (3, ".well-known") where segments[1] == "scitt-keys": self.init(.key, segments[2])
        case (2, "proof") where segments[1] == "inclusion": self.init(.inclusionProof)
        case (2, "proof") where segments[1] == "consistency": self.init(.consistencyProof)
        case (3, "streams"): self.init(.stream, segments[1], segments[2])
        case (3..., "tile"):
            // The grammar of tile paths is that of `TileResource`, which reads the path whole.
            let route: Route = segments[1] == "entries" ? .entryBundle : .tile
            self.init(route, arguments: [String(target.path.dropFirst())])
        default: return nil
        }
    }

    private init(_ route: Route, arguments: [String]) {
        self.route = route
        self.arguments = arguments
    }

    private init?(_ route: Route, _ segments: Substring...) {
        var arguments: [String] = []
        for segment in segments {
            guard !segment.isEmpty, let argument = Percent.decode(segment) else { return nil }
            arguments.append(argument)
        }
        self.init(route, arguments: arguments)
    }
}
