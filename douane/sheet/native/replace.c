/* One text in the place of another, in all cells of a column: what `str.replace_all` makes of them, literally. */
#include "table.h"

#include <sys/mman.h>

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull
#define NOWHERE UINT64_MAX
#define ROOM_MAX (1u << 30)
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

/* Into the table's row: a text that stands where the table's next long one goes, with SLACK bytes behind it. */
static inline void put_made(Table *table, uint64_t row, const uint8_t *begin, uint64_t size) {
    View *view = view_at(table, 0, row);
    view->length = (uint32_t)size;
    if (size > sizeof view->inlined) {
        memcpy(view->far.prefix, begin, sizeof view->far.prefix);
        view->far.buffer = 0;
        view->far.offset = (uint32_t)table->data_size;
        table->data_size += size;
    } else {
        uint64_t low;
        uint32_t high;
        memcpy(&low, begin, 8);
        memcpy(&high, begin + 8, 4);
        if (size < 8) low &= (1ull << 8 * size) - 1, high = 0; /* what is behind a short text in its view is 0 */
        else high &= (uint32_t)((1ull << 8 * (size - 8)) - 1);
        memcpy(view->inlined, &low, 8);
        memcpy(view->inlined + 8, &high, 4);
    }
    table->present[row / 8] |= (uint8_t)(1u << row % 8);
    table->filled[0]++;
}

/* The cells of one piece of the column, which begins with row `row`. */
static void exchange(const Exchange *what, const ArrowArray *array, Table *table, uint64_t row, uint8_t *hits) {
    const uint64_t rows = (uint64_t)array->length, first_bit = (uint64_t)array->offset;
    const uint8_t *present = array->null_count ? array->buffers[0] : NULL;
    const View *views = (const View *)array->buffers[1] + array->offset;
    const uint8_t *const *texts = (const uint8_t *const *)(array->buffers + 2);
    const int same_size = what->find_size == what->text_size;
    for (uint64_t i = 0; i < rows; i++, row++) {
        hits[row] = 0;
        if (present != NULL && !(present[(first_bit + i) / 8] >> (first_bit + i) % 8 & 1)) continue;
        const View *view = &views[i];
        const uint64_t size = view->length;
        const uint8_t *text = size <= sizeof view->inlined ? view->inlined : texts[view->far.buffer] + view->far.offset;
        uint64_t found = next_of(what, text, size, 0), done = 0;
        uint8_t *const begin = table->data + table->data_size, *to = begin;
        hits[row] = found != NOWHERE;
        if (same_size) {
            to = append(to, text, size);
            for (; found != NOWHERE; found = next_of(what, text, size, found + what->find_size))
                append(begin + found, what->text, what->text_size);
        } else {
            for (; found != NOWHERE; found = next_of(what, text, size, done)) {
                to = append(to, text + done, found - done);
                to = append(to, what->text, what->text_size);
                done = found + what->find_size;
            }
            to = append(to, text + done, size - done);
        }
        put_made(table, row, begin, (uint64_t)(to - begin));
    }
}

static uint64_t size_of(const ArrowArray *array) {
    const uint8_t *present = array->null_count ? array->buffers[0] : NULL;
    const View *views = (const View *)array->buffers[1] + array->offset;
    uint64_t size = 0;
    for (int64_t row = 0; row < array->length; row++) {
        const uint64_t bit = (uint64_t)(array->offset + row);
        if (present == NULL || (present[bit / 8] >> bit % 8 & 1)) size += views[row].length;
    }
    return size;
}

/* The most bytes that texts of so many may be afterwards. */
static uint64_t room_of(const Exchange *what, uint64_t size) {
    if (what->text_size <= what->find_size) return size;
    const uint64_t more = what->text_size - what->find_size, hits = size / what->find_size;
    return hits > ROOM_MAX / more ? ROOM_MAX + 1ull : size + hits * more;
}

typedef struct {
    ArrowArray *at;
    uint64_t count, room, rows, size;
} Pieces;

static int take(Pieces *pieces, ArrowArrayStream *column) {
    for (;;) {
        if (pieces->count == pieces->room) {
            const uint64_t room = 2 * pieces->room + 16;
            ArrowArray *more = realloc(pieces->at, room * sizeof *more);
            if (more == NULL) return -1;
            pieces->at = more;
            pieces->room = room;
        }
        ArrowArray *piece = &pieces->at[pieces->count];
        if (column->get_next(column, piece)) return -1;
        if (piece->release == NULL) return 0;
        pieces->count++;
        pieces->rows += (uint64_t)piece->length;
        pieces->size += size_of(piece);
    }
}

/* A column of string views, of `rows` rows -> c0 of a struct, and a byte a row: whether the text was there.
 * 0; else it is something else, or may have too much text afterwards. */
EXPORT int douane_replace(ArrowArrayStream *column, const uint8_t *find, uint64_t find_size, const uint8_t *text,
                          uint64_t text_size, uint64_t rows, uint8_t *hits, ArrowArray *made, ArrowSchema *schema) {
    ArrowSchema given;
    if (!find_size || column->get_schema(column, &given)) return -1;
    const int views = strcmp(given.format, "vu") == 0;
    if (given.release != NULL) given.release(&given);
    if (!views) return -1;
    const Exchange what = {
        .find = find, .text = text, .find_size = find_size, .text_size = text_size,
        .first = find[0] * ONES, .last = find[find_size - 1] * ONES,
    };
    Pieces pieces = {0};
    Table *table = NULL;
    if (!take(&pieces, column) && pieces.rows == rows) {
        const uint64_t room = room_of(&what, pieces.size);
        if (room <= ROOM_MAX) table = douane_table(1, rows, room + SLACK);
    }
    int failed = table == NULL ? -1 : 0;
    if (!failed) {
#ifdef MADV_POPULATE_WRITE
        /* All of it is written: at once it costs half of what it does page by page. Where not, it goes without. */
        if (room_of(&what, pieces.size) == pieces.size) madvise(table->filled, table->mapped, MADV_POPULATE_WRITE);
#endif
        uint64_t row = 0;
        for (uint64_t i = 0; i < pieces.count; row += (uint64_t)pieces.at[i++].length)
            exchange(&what, &pieces.at[i], table, row, hits);
        failed = douane_table_columns(table, rows, made, schema);
        douane_table_let_go(table);
    }
    for (uint64_t i = 0; i < pieces.count; i++) pieces.at[i].release(&pieces.at[i]);
    free(pieces.at);
    return failed;
}
