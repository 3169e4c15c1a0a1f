/* Texts by hash: open addressing, never more than half full. A slot is a view, of length VACANT where there is none. */
#ifndef DOUANE_LISTED_H
#define DOUANE_LISTED_H

#include "kernel.h"

#define VACANT UINT32_MAX

/* Of a list's texts and of cells: the view's own bytes, and the last eight of a text that does not stand in it. */
static inline uint64_t hash_of(const View *view, const uint8_t *text) {
    uint64_t words[2];
    memcpy(words, view, 16);
    if (UNLIKELY(view->length > 12)) memcpy(&words[1], text + view->length - 8, 8);
    uint64_t hash = (words[0] ^ words[1] * 0xD6E8FEB86659FD93ull) * 0x9E3779B97F4A7C15ull;
    return hash ^ hash >> 32;
}

/* Where a text stands, or would: `texts` is what the far slots point into. */
static inline const View *slot_of(const View *slots, uint32_t mask, const uint8_t *texts, const View *view,
                                  const uint8_t *text) {
    uint64_t own[2], other[2];
    memcpy(own, view, 16);
    for (uint32_t slot = (uint32_t)hash_of(view, text);; slot++) {
        const View *here = &slots[slot & mask];
        memcpy(other, here, 16);
        if (here->length == VACANT) return here;
        if (own[0] != other[0]) continue;       /* the length and the first four */
        if (view->length <= 12 ? own[1] == other[1] : !memcmp(texts + here->far.offset, text, view->length)) return here;
    }
}

#endif
