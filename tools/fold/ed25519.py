"""Ed25519 as spec/tlog.md narrows it, after RFC 8032 section 5.1, written to be read. It is far from fast."""

import functools
import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def add(p, q):
    """Extended coordinates: x = X/Z, y = Y/Z, xy = T/Z."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def x_of(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    if x == 0 and sign:
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = x_of(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def point(data):
    """The point, or the name of the rule that it breaks."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return "public-key-not-canonical"
    x = x_of(y, sign)
    return "public-key-not-on-curve" if x is None else (x, y, 1, x * y % P)


@functools.cache
def fault_of_key(data):
    """Why these bytes are no public key; None if they are one."""
    if len(data) != 32:
        return "public-key-length"
    a = point(data)
    if isinstance(a, str):
        return a
    if same(multiply(8, a), IDENTITY):
        return "public-key-small-order"
    return None if same(multiply(L, a), IDENTITY) else "public-key-mixed-order"


def encoded(p):
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def secret(seed):
    """The scalar of a seed, and what nonces are made with."""
    digest = hashlib.sha512(seed).digest()
    return int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254, digest[32:]


def public_key(seed):
    return encoded(multiply(secret(seed)[0], BASE))


def sign(seed, message):
    a, prefix = secret(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    start = encoded(multiply(r, BASE))
    k = int.from_bytes(hashlib.sha512(start + public_key(seed) + message).digest(), "little") % L
    return start + ((r + k * a) % L).to_bytes(32, "little")


def verify(key, message, signature):
    """S·B = R + k·A; the key has been looked at already."""
    if len(signature) != 64:
        return False
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if isinstance(a, str) or isinstance(r, str) or s >= L or same(multiply(8, r), IDENTITY):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return same(multiply(s, BASE), add(r, multiply(k, a)))
