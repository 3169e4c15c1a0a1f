/* What `replace.c` and `renew.c` share: where a text stands in another, and what a table holds of one that was made. */
#ifndef DOUANE_REPLACE_H
#define DOUANE_REPLACE_H

#include "table.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull
#define NOWHERE UINT64_MAX
#define SLACK 16

typedef struct {
    const uint8_t *find, *text;
    uint64_t find_size, text_size;              /* the first is not 0 */
    uint64_t first, last;                       /* of `find`, eight times */
} Exchange;

static inline uint64_t eight_of(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline int is_at(const Exchange *what, const uint8_t *text) {
    return what->find_size <= 2 || !memcmp(text + 1, what->find + 1, what->find_size - 2);
}

/* Where it stands at `at` or behind; NOWHERE. Eight places at once, by the first and the last byte of what is sought. */
static inline uint64_t next_of(const Exchange *what, const uint8_t *text, uint64_t size, uint64_t at) {
    if (size < what->find_size) return NOWHERE;
    const uint64_t last = size - what->find_size, behind = what->find_size - 1;
    while (at + 7 <= last) {
        const uint64_t differs = (eight_of(text + at) ^ what->first) | (eight_of(text + at + behind) ^ what->last);
        const uint64_t same = (differs - ONES) & ~differs & HIGHS; /* its lowest bit is right, others may not be */
        if (!same) {
            at += 8;
            continue;
        }
        at += (uint64_t)(__builtin_ctzll(same) >> 3);
        if (is_at(what, text + at)) return at;
        at++;
    }
    for (; at <= last; at++)
        if (text[at] == (uint8_t)what->first && text[at + behind] == (uint8_t)what->last && is_at(what, text + at)) return at;
    return NOWHERE;
}

/* Both ends of it at once, which may lie over each other: most texts are short, and a call costs more than the copy. */
static inline uint8_t *append(uint8_t *to, const uint8_t *from, uint64_t size) {
    uint64_t words[2];
    if (size >= 8 && size <= 16) {
        memcpy(words, from, 8);
        memcpy(words + 1, from + size - 8, 8);
        memcpy(to, words, 8);
        memcpy(to + size - 8, words + 1, 8);
    } else if (size >= 4 && size < 8) {
        uint32_t halves[2];
        memcpy(halves, from, 4);
        memcpy(halves + 1, from + size - 4, 4);
        memcpy(to, halves, 4);
        memcpy(to + size - 4, halves + 1, 4);
    } else if (size < 4) {
        for (uint64_t i = 0; i < size; i++) to[i] = from[i];
    } else memcpy(to, from, size);
    return to + size;
}

/* The view of a text at `begin`, with SLACK bytes behind it, which stands `offset` bytes into the table's own. */
static inline void view_of(View *view, const uint8_t *begin, uint64_t size, uint64_t offset) {
    view->length = (uint32_t)size;
    if (size > sizeof view->inlined) {
        memcpy(view->far.prefix, begin, sizeof view->far.prefix);
        view->far.buffer = 0;
        view->far.offset = (uint32_t)offset;
        return;
    }
    uint64_t low;
    uint32_t high;
    memcpy(&low, begin, 8);
    memcpy(&high, begin + 8, 4);
    if (size < 8) low &= (1ull << 8 * size) - 1, high = 0; /* what is behind a short text in its view is 0 */
    else high &= (uint32_t)((1ull << 8 * (size - 8)) - 1);
    memcpy(view->inlined, &low, 8);
    memcpy(view->inlined + 8, &high, 4);
}

static inline Exchange exchange_of(const uint8_t *find, uint64_t find_size, const uint8_t *text, uint64_t text_size) {
    return (Exchange){
        .find = find, .text = text, .find_size = find_size, .text_size = text_size,
        .first = find[0] * ONES, .last = find[find_size - 1] * ONES,
    };
}

/* The most bytes that texts of so many may be afterwards; over `most`, if it is more. */
static inline uint64_t room_of(const Exchange *what, uint64_t size, uint64_t most) {
    if (what->text_size <= what->find_size) return size;
    const uint64_t more = what->text_size - what->find_size, hits = size / what->find_size;
    return hits > most / more ? most + 1 : size + hits * more;
}

#endif
