internal import Foundation

/// The value of the Date field, made once a second.
struct DateField {
    private var second = Int64.min
    private var text = ""

    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    mutating func now() -> String {
        let now = Int64(Date().timeIntervalSince1970)
        if now != second { (second, text) = (now, Self.text(now)) }
        return text
    }

    /// RFC 9110 section 5.6.7: "An example of the preferred format is `Sun, 06 Nov 1994 08:49:37 GMT`".
    ///
    /// - Parameter seconds: since 1970, not negative.
    static func text(_ seconds: Int64) -> String {
        let (days, time) = seconds.quotientAndRemainder(dividingBy: 86_400)
        // Years begin in March here, so that the leap day is the last one: 1 March 0000 was 719,468 days before 1970.
        let (era, day) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = (monthFromMarch + 2) % 12
        let year = era * 400 + yearOfEra + (month < 2 ? 1 : 0)
        return "\(Self.days[Int(days % 7)]), \(two(dayOfMonth)) \(months[Int(month)]) \(year) "
            + "\(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60)) GMT"
    }

    private static func two(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
