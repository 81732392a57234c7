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

/* The instructions keep the eight words as two registers, ABEF and CDGH. Four rounds are two instructions; the message
 * schedule (6.2.2, step 1) goes on four words at a time. */
__attribute__((target("sha,sse4.1,ssse3")))
static void compress(uint32_t words[8], const uint8_t *bytes, size_t blocks) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&words[0]), 0xb1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&words[4]), 0x1b);
    __m128i abef = _mm_alignr_epi8(low, high, 8);
    __m128i cdgh = _mm_blend_epi16(high, low, 0xf0);
    for (; blocks > 0; blocks--, bytes += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i schedule[4];
#pragma clang loop unroll(full)
        for (int group = 0; group < 16; group++) {
            __m128i next;
            if (group < 4) {
                next = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * group)), swap);
            } else {
                const __m128i newest = schedule[(group + 3) & 3], second = schedule[(group + 2) & 3];
                next = _mm_sha256msg1_epu32(schedule[group & 3], schedule[(group + 1) & 3]);
                next = _mm_add_epi32(next, _mm_alignr_epi8(newest, second, 4));
                next = _mm_sha256msg2_epu32(next, newest);
            }
            schedule[group & 3] = next;
            __m128i words_and_constants =
                _mm_add_epi32(next, _mm_load_si128((const __m128i *)&constants[4 * group]));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words_and_constants);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words_and_constants, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1b);
    high = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)&words[0], _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)&words[4], _mm_alignr_epi8(high, low, 8));
}

#else

bool CSHA256IsAvailable(void) { return false; }

static void compress(uint32_t words[8], const uint8_t *bytes, size_t blocks) {
    (void)words, (void)bytes, (void)blocks;
    __builtin_trap();
}

#endif

void CSHA256Begin(CSHA256State *state) {
    /* FIPS 180-4, 5.3.3. */
    static const uint32_t first[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
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
    for (int word = 0; word < 8; word++) {
        const uint32_t swapped = __builtin_bswap32(state->words[word]);
        memcpy(hash + 4 * word, &swapped, 4);
    }
}
