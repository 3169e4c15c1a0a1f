/* One text in the place of another, in all cells of a column: what `str.replace_all` makes of them, literally. */
#include "replace.h"

#include <sys/mman.h>

#define ROOM_MAX (1u << 30)

/* Into the table's row: a text that stands where the table's next long one goes, with SLACK bytes behind it. */
static inline void put_made(Table *table, uint64_t row, const uint8_t *begin, uint64_t size) {
    view_of(view_at(table, 0, row), begin, size, table->data_size);
    if (size > sizeof ((View *)0)->inlined) table->data_size += size;
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
    const Exchange what = exchange_of(find, find_size, text, text_size);
    Pieces pieces = {0};
    Table *table = NULL;
    if (!take(&pieces, column) && pieces.rows == rows) {
        const uint64_t room = room_of(&what, pieces.size, ROOM_MAX);
        if (room <= ROOM_MAX) table = douane_table(1, rows, room + SLACK);
    }
    int failed = table == NULL ? -1 : 0;
    if (!failed) {
#ifdef MADV_POPULATE_WRITE
        /* All of it is written: at once it costs half of what it does page by page. Where not, it goes without. */
        if (room_of(&what, pieces.size, ROOM_MAX) == pieces.size) madvise(table->filled, table->mapped, MADV_POPULATE_WRITE);
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
