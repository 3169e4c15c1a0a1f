/* Texts that were judged before, and what came of it: a column's wrong texts come back. */
#include "kernel.h"
#include "listed.h"

enum { FIRST_SLOTS = 64 };

/* `bits`: `words` a slot, and behind them those of what is absent, if `absent`. */
typedef struct {
    uint64_t words, count;
    uint32_t slots_mask, absent;
    View *slots;
    uint64_t *bits;
    uint8_t *texts;
    uint64_t texts_size, texts_room;
} Known;

static void forget(View *slots, uint64_t *bits) {
    free(slots);
    free(bits);
}

EXPORT void douane_known_free(Known *known) {
    if (known == NULL) return;
    forget(known->slots, known->bits);
    free(known->texts);
    free(known);
}

/* Twice as many slots. Whether there is memory for them. */
static int grow(Known *known) {
    const uint64_t before = known->slots == NULL ? 0 : (uint64_t)known->slots_mask + 1;
    const uint64_t count = before ? 2 * before : FIRST_SLOTS;
    View *slots = malloc(count * sizeof *slots);
    uint64_t *bits = calloc((count + 1) * known->words, sizeof *bits);
    if (slots == NULL || bits == NULL) {
        forget(slots, bits);
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) slots[i] = (View){.length = VACANT};
    for (uint64_t i = 0; i < before; i++) {
        const View *old = &known->slots[i];
        if (old->length == VACANT) continue;
        View plain = *old;
        const uint8_t *text = plain.length <= 12 ? plain.inlined : known->texts + plain.far.offset;
        const uint64_t at = (uint64_t)(slot_of(slots, (uint32_t)count - 1, known->texts, &plain, text) - slots);
        slots[at] = plain;
        memcpy(bits + at * known->words, known->bits + i * known->words, known->words * 8);
    }
    if (before) memcpy(bits + count * known->words, known->bits + before * known->words, known->words * 8);
    forget(known->slots, known->bits);
    known->slots = slots;
    known->bits = bits;
    known->slots_mask = (uint32_t)count - 1;
    return 1;
}

/* NULL: there is no memory for it. */
EXPORT Known *douane_known(uint64_t words) {
    Known *known = calloc(1, sizeof *known);
    if (known == NULL) return NULL;
    known->words = words;
    if (grow(known)) return known;
    douane_known_free(known);
    return NULL;
}

/* Keeps what came of a text; `text` = NULL: of what is absent. Without memory for it, it stays unknown. */
EXPORT void douane_known_add(Known *known, const uint8_t *text, uint64_t size, const uint64_t *bits) {
    if (text == NULL) {
        known->absent = 1;
        memcpy(known->bits + ((uint64_t)known->slots_mask + 1) * known->words, bits, known->words * 8);
        return;
    }
    if (known->texts_size + size >= UINT32_MAX || (2 * (known->count + 1) > known->slots_mask && !grow(known))) return;
    if (known->texts_size + size > known->texts_room) {
        const uint64_t room = 2 * known->texts_room + size + 256;
        uint8_t *moved = realloc(known->texts, room);
        if (moved == NULL) return;
        known->texts = moved;
        known->texts_room = room;
    }
    View view = {.length = (uint32_t)size};
    if (size <= 12) {
        memcpy(view.inlined, text, size);
    } else {
        memcpy(view.far.prefix, text, 4);
        view.far.buffer = 0;
        view.far.offset = (uint32_t)known->texts_size;
        memcpy(known->texts + known->texts_size, text, size);
    }
    const uint64_t at = (uint64_t)(slot_of(known->slots, known->slots_mask, known->texts, &view, text) - known->slots);
    if (known->slots[at].length == VACANT) {
        known->count++;
        known->slots[at] = view;
        if (size > 12) known->texts_size += size;
    }
    memcpy(known->bits + at * known->words, bits, known->words * 8);
}

/* The same of `count` texts, with so many words of `bits` each. */
EXPORT void douane_known_add_all(Known *known, const uint8_t *const *texts, const uint64_t *sizes, const uint64_t *bits,
                                 uint64_t count) {
    for (uint64_t i = 0; i < count; i++) douane_known_add(known, texts[i], sizes[i], bits + i * known->words);
}

/* The rows of one piece of a column: those from `*at` on that lie in it. */
static void recall(const Known *known, const ArrowArray *array, uint64_t first, const uint32_t *rows, uint64_t count,
                   uint64_t *at, uint64_t *mask, uint32_t *missing, uint64_t *missed) {
    const uint8_t *present = array->null_count ? array->buffers[0] : NULL;
    const View *views = (const View *)array->buffers[1] + array->offset;
    for (; *at < count && rows[*at] - first < (uint64_t)array->length; ++*at) {
        const uint64_t row = rows[*at] - first, bit = row + (uint64_t)array->offset;
        const uint64_t *bits = NULL;
        if (present != NULL && !(present[bit / 8] >> bit % 8 & 1)) {
            if (known->absent) bits = known->bits + ((uint64_t)known->slots_mask + 1) * known->words;
        } else {
            const View *view = &views[row];
            const uint8_t *text = view->length <= 12
                                      ? view->inlined
                                      : (const uint8_t *)array->buffers[2 + view->far.buffer] + view->far.offset;
            const View *slot = slot_of(known->slots, known->slots_mask, known->texts, view, text);
            if (slot->length != VACANT) bits = known->bits + (uint64_t)(slot - known->slots) * known->words;
        }
        if (bits == NULL) {
            missing[(*missed)++] = rows[*at];
            continue;
        }
        for (uint64_t word = 0; word < known->words; word++) mask[rows[*at] * known->words + word] |= bits[word];
    }
}

/* Of `count` ascending rows of a column of string views: sets the bits of those whose text is known, and puts the others
 * to `missing`, which has room for all. `mask` has so many words a row as is known of a text. How many are missing; -1
 * where the column is something else. */
EXPORT int64_t douane_known_recall(const Known *known, ArrowArrayStream *column, const uint32_t *rows, uint64_t count,
                                   uint64_t *mask, uint32_t *missing) {
    ArrowSchema schema;
    if (column->get_schema(column, &schema)) return -1;
    const int views = strcmp(schema.format, "vu") == 0;
    if (schema.release != NULL) schema.release(&schema);
    if (!views) return -1;
    uint64_t first = 0, at = 0, missed = 0;
    while (at < count) {
        ArrowArray array;
        if (column->get_next(column, &array)) return -1;
        if (array.release == NULL) return -1;
        recall(known, &array, first, rows, count, &at, mask, missing, &missed);
        first += (uint64_t)array.length;
        array.release(&array);
    }
    return (int64_t)missed;
}

/* Sets a bit of these rows in a mask of so many words a row. */
EXPORT void douane_mark(const uint32_t *rows, uint64_t count, uint64_t *mask, uint64_t words, uint32_t bit) {
    for (uint64_t i = 0; i < count; i++) mask[rows[i] * words + bit / 64] |= 1ull << bit % 64;
}
