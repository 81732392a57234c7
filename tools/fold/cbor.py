"""The part of CBOR that logs are made of: spec/cose.md, "CBOR". Every value has exactly one encoding.

Items are Python's int, bytes, str, list, dict, bool, None and Tag. Python takes True for 1 and False for 0 as keys of
a dict; no map of the specification has either as a key, and a map that has both a bool and its number is refused here.
"""


class Malformed(Exception):
    """Bytes that are no item; `code` is the reason's name in spec/cose.md."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Tag:
    def __init__(self, number, item):
        self.number = number
        self.item = item


def head(major, argument):
    """The first bytes of an item, in their shortest form (RFC 8949 section 3)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * width:
            return bytes([major << 5 | info]) + argument.to_bytes(width, "big")
    raise ValueError("more than 64 bits")


def encode(item):
    """The deterministic encoding (RFC 8949 section 4.2.1)."""
    if item is None:
        return b"\xf6"
    if item is True:
        return b"\xf5"
    if item is False:
        return b"\xf4"
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        text = item.encode("utf-8")
        return head(3, len(text)) + text
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(encode(element) for element in item)
    if isinstance(item, dict):
        pairs = sorted((encode(key), encode(value)) for key, value in item.items())
        return head(5, len(pairs)) + b"".join(key + value for key, value in pairs)
    if isinstance(item, Tag):
        return head(6, item.number) + encode(item.item)
    raise TypeError(f"no CBOR for {item!r}")


class Reader:
    def __init__(self, data, any_order=False, depth=16, items=10_000):
        self.data = data
        self.at = 0
        self.any_order = any_order
        self.depth = depth
        self.items = items

    def take(self, count):
        if self.at + count > len(self.data):
            raise Malformed("end-of-input")
        self.at += count
        return self.data[self.at - count : self.at]

    def argument(self, info):
        if info < 24:
            return info
        if info == 31:
            raise Malformed("indefinite-length")
        if info > 27:
            raise Malformed("reserved")
        width = 1 << info - 24
        argument = int.from_bytes(self.take(width), "big")
        if argument < 24 or (width > 1 and argument < 1 << 4 * width):
            raise Malformed("not-shortest")
        return argument

    def length(self, info, each=1):
        """A length, which the rest of the input must be able to hold."""
        length = self.argument(info)
        if length * each > len(self.data) - self.at:
            raise Malformed("length-beyond-input")
        return length

    def item(self, level=1):
        if level > self.depth:
            raise Malformed("too-deep")
        self.items -= 1
        if self.items < 0:
            raise Malformed("too-many-items")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 0:
            return self.argument(info)
        if major == 1:
            return -1 - self.argument(info)
        if major == 2:
            return self.take(self.length(info))
        if major == 3:
            try:
                return self.take(self.length(info)).decode("utf-8")
            except UnicodeDecodeError:
                raise Malformed("invalid-utf8") from None
        if major == 4:
            return [self.item(level + 1) for _ in range(self.length(info))]
        if major == 5:
            return self.map(self.length(info, each=2), level)
        if major == 6:
            number = self.argument(info)
            return Tag(number, self.item(level + 1))
        if info in (20, 21, 22):
            return {20: False, 21: True, 22: None}[info]
        if info in (25, 26, 27):
            raise Malformed("floating-point")
        if info == 31:
            raise Malformed("indefinite-length")
        raise Malformed("reserved" if info in (28, 29, 30) else "simple-value")

    def map(self, count, level):
        map, before, seen = {}, None, set()
        for _ in range(count):
            start = self.at
            key = self.item(level + 1)
            encoded = bytes(self.data[start : self.at])
            if encoded in seen:
                raise Malformed("duplicate-key")
            if not self.any_order and before is not None and encoded < before:
                raise Malformed("key-order")
            seen.add(encoded)
            before = encoded
            value = self.item(level + 1)
            if isinstance(key, (list, dict, Tag)):
                key = Unhashable(encoded)
            map[key] = value
        if len(map) != count:
            raise Malformed("duplicate-key")
        return map


class Unhashable:
    """An array, a map or a tag as the key of a map: nothing in the specification has one."""

    def __init__(self, encoded):
        self.encoded = encoded


def decode(data, any_order=False, depth=16, items=10_000):
    """The item that is all of `data`."""
    reader = Reader(bytes(data), any_order, depth, items)
    item = reader.item()
    if reader.at != len(reader.data):
        raise Malformed("trailing-bytes")
    return item
