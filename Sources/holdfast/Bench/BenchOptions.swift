import ArgumentParser

/// What load is put on the server.
struct BenchOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many connections send at a time.", valueName: "n"))
    var connections = 64

    @Option(help: ArgumentHelp("Statements a request; more than one go as a CBOR sequence.", valueName: "n"))
    var batch = 1

    @Option(
        help: ArgumentHelp(
            "Statements (or reads) a second, sent at fixed times whatever the answers take: an open loop. Default: each "
                + "connection sends when it has its answer, a closed loop.", valueName: "n"))
    var rate: Double?

    @Option(help: ArgumentHelp("How long to send.", valueName: "seconds"))
    var duration = 10.0

    @Option(
        help: ArgumentHelp(
            "How many statements to sign beforehand; the run ends when they are used up. Default: what the rate needs, "
                + "or 50000.", valueName: "n"))
    var statements: Int?

    @Option(help: ArgumentHelp("Bytes of a signed statement.", valueName: "bytes"))
    var size = 1024

    @Option(
        help: ArgumentHelp(
            "Read this path over and over in the place of registering, such as /checkpoint.", valueName: "path"))
    var read: String?

    @Option(
        help: ArgumentHelp(
            "Threads that send and receive. One takes the least of a machine that the server runs on too; more are "
                + "for a machine of its own, when one is busy all the time.", valueName: "n"))
    var threads = 1

    func validate() throws {
        try Self.check("--connections", connections, 1...4096)
        try Self.check("--threads", threads, 1...256)
        try Self.check("--batch", batch, 1...1000)
        try Self.check("--size", size, 512...60_000)
        if let statements { try Self.check("--statements", statements, 1...10_000_000) }
        guard duration > 0, duration <= 86_400 else {
            throw ValidationError("--duration takes more than 0 and up to 86400 seconds.")
        }
        if let rate, !(rate > 0 && rate <= 10_000_000) {
            throw ValidationError("--rate takes more than 0 and up to 10000000 a second.")
        }
        if let read, !read.hasPrefix("/") || read.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f }) {
            throw ValidationError("--read takes a path that begins with a slash, such as /checkpoint.")
        }
    }

    private static func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw ValidationError("\(name) takes \(range.lowerBound) to \(range.upperBound), not \(value).")
        }
    }

    /// Statements that each connection gets, a whole number of requests.
    var depth: Int {
        let wanted = statements ?? rate.map { Int(($0 * duration).rounded(.up)) } ?? 50_000
        let each = max(1, (wanted + connections - 1) / connections)
        return (each + batch - 1) / batch * batch
    }
}
