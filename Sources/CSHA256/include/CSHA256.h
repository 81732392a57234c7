/* SHA-256 (FIPS 180-4) with the SHA instructions of x86-64, where the processor has them.
 *
 * Why it is here: a library's SHA-256 costs an allocation a hash, or has no such instructions. An inner node of a tree,
 * 65 bytes, takes two and a half times as long there, and a log hashes little else but nodes and leaves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t words[8];
    uint8_t block[64];  /* What does not fill a block yet. */
    uint64_t count;     /* Bytes so far. */
} CSHA256State;

/* Whether this processor has the instructions. The functions below must not be called where it has not. */
bool CSHA256IsAvailable(void);

void CSHA256Begin(CSHA256State *state);
void CSHA256Update(CSHA256State *state, const uint8_t *bytes, size_t count);

/* Inner nodes of a tree, SHA-256(prefix || left || right), two at a time: the instructions wait for one another, and those
 * of two nodes do not. The hashes may stand where the pairs begin.
 *
 * pairs: 64 bytes for each node. hashes: 32 bytes for each. */
void CSHA256Nodes(uint8_t prefix, const uint8_t *pairs, size_t count, uint8_t *hashes);

/* SHA-256(prefix || bytes) of two messages of any length, as far as both reach at once.
 *
 * hashes: 64 bytes. */
void CSHA256Two(uint8_t prefix, const uint8_t *one, size_t one_count, const uint8_t *other, size_t other_count,
                uint8_t *hashes);

/* Writes the 32 bytes of the hash; the state is of no use afterwards. */
void CSHA256End(CSHA256State *state, uint8_t *hash);
