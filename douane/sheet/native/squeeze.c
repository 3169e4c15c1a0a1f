/* Packing texts as LZ4: repetitions become (how far back, how long).
 *
 * Written for buffers of some ten kilobytes: one small table of where four bytes stood last, greedy, and the longer
 * nothing is found, the longer the steps. What does not shrink is stored as it is.
 */
#include "squeeze.h"

/* LZ4 knows repetitions from four bytes on; those under six cost nearly as much as they save. */
enum { HASH_BITS = 12, LEAST = 6, MATCH_MIN = 4, MATCH_MARGIN = 12, LITERALS_LAST = 5, FAR = 65535 };
enum { PATIENCE = 2 };                          /* after 1 << PATIENCE misses, steps grow by one */

static inline uint64_t eight_of(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline uint64_t key_of(const uint8_t *at) { return eight_of(at) << (64 - 8 * LEAST); }

static inline uint32_t slot_of(uint64_t key) { return (uint32_t)(key * 0x9E3779B185EBCA87ull >> (64 - HASH_BITS)); }

static inline uint8_t *long_length(uint8_t *to, uint64_t length) {
    for (; length >= 255; length -= 255) *to++ = 255;
    *to++ = (uint8_t)length;
    return to;
}

/* How many bytes from `a` and `b` on are the same, up to `end` of b. */
static inline uint64_t same(const uint8_t *a, const uint8_t *b, const uint8_t *end) {
    const uint8_t *from = b;
    while (b + 8 <= end) {
        const uint64_t differs = eight_of(a) ^ eight_of(b);
        if (differs) return (uint64_t)(b - from) + (uint64_t)(__builtin_ctzll(differs) >> 3);
        a += 8;
        b += 8;
    }
    while (b < end && *a == *b) a++, b++;
    return (uint64_t)(b - from);
}

/* One block of at most 4 MiB, to `out` with room for size + size / 255 + 32. */
static uint64_t block_of(const uint8_t *in, uint64_t size, uint8_t *out) {
    uint32_t table[1 << HASH_BITS];             /* places + 1 */
    const uint8_t *const end = in + size, *anchor = in;
    uint8_t *to = out;
    if (size > MATCH_MARGIN) {
        const uint8_t *const last = end - MATCH_MARGIN, *at = in;
        memset(table, 0, sizeof table);
        uint32_t misses = 1u << PATIENCE;
        while (at <= last) {
            const uint64_t key = key_of(at);
            const uint32_t slot = slot_of(key), place = (uint32_t)(at - in), before = table[slot];
            table[slot] = place + 1;
            if (!before || place + 1 - before > FAR || key_of(in + before - 1) != key) {
                at += misses++ >> PATIENCE;
                continue;
            }
            const uint8_t *from = in + before - 1;
            misses = 1u << PATIENCE;
            while (at > anchor && from > in && at[-1] == from[-1]) at--, from--;
            const uint64_t literals = (uint64_t)(at - anchor);
            const uint64_t more = same(from + MATCH_MIN, at + MATCH_MIN, end - LITERALS_LAST);
            uint8_t *token = to++;
            *token = (uint8_t)((literals < 15 ? literals : 15) << 4 | (more < 15 ? more : 15));
            if (literals >= 15) to = long_length(to, literals - 15);
            /* 16 at a time: behind `out` is room, and behind `anchor` at least what may not be matched. */
            if (LIKELY(literals <= 16 && anchor + 16 <= end)) memcpy(to, anchor, 16);
            else memcpy(to, anchor, literals);
            to += literals;
            const uint64_t back = (uint64_t)(at - from);
            *to++ = (uint8_t)back;
            *to++ = (uint8_t)(back >> 8);
            if (more >= 15) to = long_length(to, more - 15);
            at += MATCH_MIN + more;
            anchor = at;
            if (at <= last) table[slot_of(key_of(at - 2))] = (uint32_t)(at - 2 - in) + 1;
        }
    }
    const uint64_t literals = (uint64_t)(end - anchor);
    *to++ = (uint8_t)((literals < 15 ? literals : 15) << 4);
    if (literals >= 15) to = long_length(to, literals - 15);
    memcpy(to, anchor, literals);
    return (uint64_t)(to + literals - out);
}

static inline void put_word(uint8_t *to, uint32_t word) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(word >> 8 * i);
}

uint64_t douane_squeeze(const uint8_t *in, uint64_t size, uint8_t *out) {
    /* Per largest size of a block: its code, and the check of a head that says so and nothing else. */
    static const struct { uint64_t size; uint8_t code, check; } SIZES[] = {
        {64 << 10, 0x40, 0x82}, {256 << 10, 0x50, 0xfb}, {1 << 20, 0x60, 0x51}, {4 << 20, 0x70, 0x73},
    };
    int kind = 0;
    while (kind < 3 && size > SIZES[kind].size) kind++;
    uint8_t *to = out;
    put_word(to, 0x184D2204);
    to[4] = 0x60;                               /* version 1, each block for itself, no sums */
    to[5] = SIZES[kind].code;
    to[6] = SIZES[kind].check;
    to += 7;
    for (uint64_t done = 0; done < size;) {
        const uint64_t part = size - done < SIZES[kind].size ? size - done : SIZES[kind].size;
        const uint64_t packed = block_of(in + done, part, to + 4);
        if (packed < part) {
            put_word(to, (uint32_t)packed);
            to += 4 + packed;
        } else {
            put_word(to, (uint32_t)part | 0x80000000u);
            memcpy(to + 4, in + done, part);
            to += 4 + part;
        }
        done += part;
    }
    put_word(to, 0);
    return (uint64_t)(to + 4 - out);
}

/* ---- and back ------------------------------------------------------------------------------------------------- */

/* A length that goes on: -1 where it is cut off. */
static inline int longer(const uint8_t **at, const uint8_t *end, uint64_t *length) {
    uint8_t more;
    do {
        if (*at == end) return -1;
        more = *(*at)++;
        *length += more;
    } while (more == 255);
    return 0;
}

/* One block, behind what `first` begins; where it ends, NULL = it is none. `in` ends at `end`, the room at `stop`. */
static uint8_t *block_back(const uint8_t *at, const uint8_t *end, const uint8_t *first, uint8_t *to, uint8_t *stop) {
    while (at < end) {
        const uint8_t token = *at++;
        uint64_t literals = token >> 4, match = token & 15;
        if (literals == 15 && longer(&at, end, &literals)) return NULL;
        if (literals > (uint64_t)(end - at) || literals > (uint64_t)(stop - to)) return NULL;
        if (LIKELY(literals <= 16 && end - at >= 16)) memcpy(to, at, 16); /* behind the room are 32 more */
        else memcpy(to, at, literals);
        to += literals;
        at += literals;
        if (at == end) return to;
        if (end - at < 2) return NULL;
        const uint64_t back = at[0] | (uint64_t)at[1] << 8;
        at += 2;
        if (match == 15 && longer(&at, end, &match)) return NULL;
        match += MATCH_MIN;
        if (!back || back > (uint64_t)(to - first) || match > (uint64_t)(stop - to)) return NULL;
        const uint8_t *from = to - back;
        if (LIKELY(back >= 8)) {
            uint8_t *const until = to + match;
            do { /* up to 7 bytes beyond */
                memcpy(to, from, 8);
                to += 8;
                from += 8;
            } while (to < until);
            to = until;
        } else {
            while (match--) *to++ = *from++;
        }
    }
    return NULL;
}

int douane_unsqueeze(const uint8_t *in, uint64_t size, uint8_t *out, uint64_t room) {
    enum { SUM = 0x04, SIZE = 0x08, SUMS = 0x10, DICTIONARY = 0x01 };
    const uint8_t *at = in, *const end = in + size;
    if (size < 7 || u32(in) != 0x184D2204 || in[4] >> 6 != 1 || in[4] & DICTIONARY) return -1;
    const uint8_t flags = in[4];
    const uint64_t head = flags & SIZE ? 15 : 7, sum = flags & SUMS ? 4 : 0;
    if (size < head) return -1;
    at += head;
    uint8_t *to = out, *const stop = out + room;
    for (;;) {
        if (end - at < 4) return -1;
        const uint32_t word = u32(at);
        const uint64_t length = word & 0x7FFFFFFF;
        at += 4;
        if (!word) return to == stop ? 0 : -1;
        if (length + sum > (uint64_t)(end - at)) return -1;
        if (word >> 31) {
            if (length > (uint64_t)(stop - to)) return -1;
            memcpy(to, at, length);
            to += length;
        } else {
            to = block_back(at, at + length, out, to, stop);
            if (to == NULL) return -1;
        }
        at += length + sum;
    }
}
