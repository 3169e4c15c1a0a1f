/* What is text, and a hash of it. */
#include "kernel.h"
#include "utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* How many bytes from `text` on are surely ASCII. */
static inline size_t ascii_run(const uint8_t *text, size_t size) {
    size_t at = 0;
#if defined(__SSE2__)
    while (at + 16 <= size) {
        int high = _mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(text + at)));
        if (high) return at + (size_t)__builtin_ctz((unsigned)high);
        at += 16;
    }
#endif
    while (at + 8 <= size) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        if (word & 0x8080808080808080ull) break;
        at += 8;
    }
    while (at < size && text[at] < 0x80) at++;
    return at;
}

static int plain_is_utf8(const uint8_t *text, size_t size) {
    size_t at = 0;
    for (;;) {
        at += ascii_run(text + at, size - at);
        while (at < size && text[at] >= 0x80) {
            const uint8_t first = text[at];
            if (first < 0xC2 || first > 0xF4) return 0;
            const size_t more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
            if (size - at <= more) return 0;
            const uint8_t second = text[at + 1];
            if ((second & 0xC0) != 0x80) return 0;
            if (first == 0xE0 && second < 0xA0) return 0;
            if (first == 0xED && second > 0x9F) return 0;
            if (first == 0xF0 && second < 0x90) return 0;
            if (first == 0xF4 && second > 0x8F) return 0;
            for (size_t i = 2; i <= more; i++)
                if ((text[at + i] & 0xC0) != 0x80) return 0;
            at += more + 1;
        }
        if (at >= size) return 1;
    }
}

#ifdef WIDE
WIDE static int wide_is_utf8(const uint8_t *text, size_t size) {
    Looked looked = {.closed = 1};
    uint8_t tail[64];
    for (size_t at = 0; at <= size; at += 64) { /* what is empty closes the text too */
        const uint8_t *from = text + at;
        if (UNLIKELY(at + 64 > size)) {
            memset(tail, 0, sizeof tail);
            memcpy(tail, from, size - at);
            from = tail;
        }
        wide_look(&looked, from);
    }
    return !is_wrong(&looked);
}
#endif

int douane_is_utf8(const uint8_t *text, size_t size) {
#ifdef WIDE
    if (size >= 64 && is_wide()) return wide_is_utf8(text, size);
#endif
    return plain_is_utf8(text, size);
}

EXPORT int douane_utf8(const uint8_t *text, uint64_t size) { return douane_is_utf8(text, size); }

/* Of keys. */
uint64_t douane_hash(const uint8_t *text, uint64_t size) {
    uint64_t hash = 0x9E3779B97F4A7C15ull ^ size, word = 0;
    const uint8_t *end = text + size;
    for (; end - text > 8; text += 8) {
        memcpy(&word, text, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93ull;
        hash ^= hash >> 32;
    }
    if (size >= 8) {
        memcpy(&word, end - 8, 8);              /* the last eight, some of them again */
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, text, 4);
        memcpy(&last, end - 4, 4);
        word = (uint64_t)first << 32 | last;
    } else if (size) {
        word = (uint64_t)text[0] << 16 | (uint64_t)text[size / 2] << 8 | end[-1];
    }
    hash = (hash ^ word) * 0xD6E8FEB86659FD93ull;
    return hash ^ hash >> 29;
}

/* Of the files this was built from: `__init__.py` compares it with those it finds. */
EXPORT uint32_t douane_source(void) { return DOUANE_SOURCE; }
