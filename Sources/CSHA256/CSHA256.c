#include "CSHA256.h"

#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/* FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static bool available;

__attribute__((constructor)) static void ask(void) {
    unsigned a, b, c, d;
    bool sse41 = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3);
    available = sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}

bool CSHA256IsAvailable(void) { return available; }

/* The instructions keep the eight words as two registers, ABEF and CDGH. */
typedef struct {
    __m128i abef, cdgh;
} Registers;

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3"))) static inline

WITH_SHA Registers load(const uint32_t words[8]) {
    const __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&words[0]), 0xb1);
    const __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&words[4]), 0x1b);
    return (Registers){_mm_alignr_epi8(low, high, 8), _mm_blend_epi16(high, low, 0xf0)};
}

WITH_SHA void store(Registers state, uint32_t words[8]) {
    const __m128i low = _mm_shuffle_epi32(state.abef, 0x1b);
    const __m128i high = _mm_shuffle_epi32(state.cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)&words[0], _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)&words[4], _mm_alignr_epi8(high, low, 8));
}

/* Four words of the message schedule (6.2.2, step 1): the message's own first, then what follows from those before. */
WITH_SHA void schedule(__m128i words[4], const uint8_t *bytes, int group) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
    if (group < 4) {
        words[group] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * group)), swap);
        return;
    }
    const __m128i newest = words[(group + 3) & 3], second = words[(group + 2) & 3];
    __m128i next = _mm_sha256msg1_epu32(words[group & 3], words[(group + 1) & 3]);
    next = _mm_add_epi32(next, _mm_alignr_epi8(newest, second, 4));
    words[group & 3] = _mm_sha256msg2_epu32(next, newest);
}

/* Four rounds (6.2.2, step 3). */
WITH_SHA void rounds(Registers *state, __m128i words, int group) {
    const __m128i sum = _mm_add_epi32(words, _mm_load_si128((const __m128i *)&constants[4 * group]));
    state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
    state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

WITH_SHA void add(Registers *state, Registers before) {
    state->abef = _mm_add_epi32(state->abef, before.abef);
    state->cdgh = _mm_add_epi32(state->cdgh, before.cdgh);
}

__attribute__((target("sha,sse4.1,ssse3")))
static void compress(uint32_t words[8], const uint8_t *bytes, size_t blocks) {
    Registers state = load(words);
    for (; blocks > 0; blocks--, bytes += 64) {
        const Registers before = state;
        __m128i message[4];
#pragma clang loop unroll(full)
        for (int group = 0; group < 16; group++) {
            schedule(message, bytes, group);
            rounds(&state, message[group & 3], group);
        }
        add(&state, before);
    }
    store(state, words);
}

/* The same of two messages at once. */
__attribute__((target("sha,sse4.1,ssse3")))
static void compress_two(uint32_t words[2][8], const uint8_t *one, const uint8_t *other, size_t blocks) {
    Registers states[2] = {load(words[0]), load(words[1])};
    for (; blocks > 0; blocks--, one += 64, other += 64) {
        const Registers before[2] = {states[0], states[1]};
        __m128i messages[2][4];
#pragma clang loop unroll(full)
        for (int group = 0; group < 16; group++) {
            schedule(messages[0], one, group);
            schedule(messages[1], other, group);
            rounds(&states[0], messages[0][group & 3], group);
            rounds(&states[1], messages[1][group & 3], group);
        }
        add(&states[0], before[0]);
        add(&states[1], before[1]);
    }
    store(states[0], words[0]);
    store(states[1], words[1]);
}

#else

bool CSHA256IsAvailable(void) { return false; }

static void compress(uint32_t words[8], const uint8_t *bytes, size_t blocks) {
    (void)words, (void)bytes, (void)blocks;
    __builtin_trap();
}

static void compress_two(uint32_t words[2][8], const uint8_t *one, const uint8_t *other, size_t blocks) {
    (void)words, (void)one, (void)other, (void)blocks;
    __builtin_trap();
}

#endif

/* FIPS 180-4, 5.3.3. */
static const uint32_t first[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static void print(const uint32_t words[8], uint8_t *hash) {
    for (int word = 0; word < 8; word++) {
        const uint32_t swapped = __builtin_bswap32(words[word]);
        memcpy(hash + 4 * word, &swapped, 4);
    }
}

void CSHA256Begin(CSHA256State *state) {
    memcpy(state->words, first, sizeof first);
    state->count = 0;
}

void CSHA256Update(CSHA256State *state, const uint8_t *bytes, size_t count) {
    const size_t held = state->count % 64;
    state->count += count;
    if (held > 0) {
        const size_t missing = 64 - held;
        if (count < missing) {
            if (count > 0) memcpy(state->block + held, bytes, count);
            return;
        }
        memcpy(state->block + held, bytes, missing);
        compress(state->words, state->block, 1);
        bytes += missing;
        count -= missing;
    }
    if (count >= 64) compress(state->words, bytes, count / 64);
    if (count % 64 > 0) memcpy(state->block, bytes + count / 64 * 64, count % 64);
}

/* FIPS 180-4, 5.1.1: a one bit, zeros up to 8 bytes before the end of a block, and the number of bits. */
void CSHA256End(CSHA256State *state, uint8_t *hash) {
    size_t held = state->count % 64;
    state->block[held++] = 0x80;
    if (held > 56) {
        memset(state->block + held, 0, 64 - held);
        compress(state->words, state->block, 1);
        held = 0;
    }
    memset(state->block + held, 0, 56 - held);
    const uint64_t bits = __builtin_bswap64(state->count * 8);
    memcpy(state->block + 56, &bits, 8);
    compress(state->words, state->block, 1);
    print(state->words, hash);
}

void CSHA256Two(uint8_t prefix, const uint8_t *one, size_t one_count, const uint8_t *other, size_t other_count,
                uint8_t *hashes) {
    CSHA256State states[2];
    for (int each = 0; each < 2; each++) {
        CSHA256Begin(&states[each]);
        CSHA256Update(&states[each], &prefix, 1);
    }
    const size_t least = one_count < other_count ? one_count : other_count;
    size_t taken = 0;
    if (least >= 63) {
        uint32_t words[2][8];
        memcpy(states[0].block + 1, one, 63);
        memcpy(states[1].block + 1, other, 63);
        for (int each = 0; each < 2; each++) memcpy(words[each], first, sizeof first);
        compress_two(words, states[0].block, states[1].block, 1);
        const size_t blocks = (least - 63) / 64;
        compress_two(words, one + 63, other + 63, blocks);
        taken = 63 + 64 * blocks;
        for (int each = 0; each < 2; each++) {
            memcpy(states[each].words, words[each], sizeof words[each]);
            states[each].count = 1 + taken;
        }
    }
    CSHA256Update(&states[0], one + taken, one_count - taken);
    CSHA256Update(&states[1], other + taken, other_count - taken);
    CSHA256End(&states[0], hashes);
    CSHA256End(&states[1], hashes + 32);
}

void CSHA256Nodes(uint8_t prefix, const uint8_t *pairs, size_t count, uint8_t *hashes) {
    /* 65 bytes, a one bit, zeros, and 520 bits as the length: two blocks. */
    uint8_t messages[2][128] = {{0}};
    for (int one = 0; one < 2; one++) {
        messages[one][0] = prefix;
        messages[one][65] = 0x80;
        messages[one][126] = 520 >> 8;
        messages[one][127] = 520 & 255;
    }
    while (count > 0) {
        const int both = count > 1;
        uint32_t words[2][8];
        for (int one = 0; one <= both; one++) {
            memcpy(words[one], first, sizeof first);
            memcpy(messages[one] + 1, pairs + 64 * one, 64);
        }
        if (both) {
            compress_two(words, messages[0], messages[1], 2);
        } else {
            compress(words[0], messages[0], 2);
        }
        for (int one = 0; one <= both; one++) print(words[one], hashes + 32 * one);
        pairs += 64 * (1 + both);
        hashes += 32 * (1 + both);
        count -= 1 + both;
    }
}
