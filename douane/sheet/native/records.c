/* The records of binary workbooks, which stand one behind the other, and texts of 16-bit units. `sheet/formats/xlsb.py`
 * and `biff.py` say what they are, and find the same without this file. */
#include "table.h"

enum { GIVEN_UP = -1, NO_MEMORY = -2 };

/* Of each record its kind, and where it, its body and its end stand; room for all of them, or NULL: they are counted. */
typedef struct {
    int64_t *kinds, *starts, *bodies, *ends;
    uint64_t stop;                              /* found: where the first one begins that is not whole */
} Places;

/* BIFF12: a kind of one or two bytes, a length of one to four, seven bits in each. At most `most` records; how many. */
EXPORT uint64_t douane_records_12(const uint8_t *data, uint64_t size, uint64_t most, Places *out) {
    uint64_t at = 0, count = 0;
    out->stop = 0;
    while (at < size && count < most) {
        const uint64_t start = at;
        int64_t kind = data[at++];
        if (kind >= 0x80) {
            if (at == size) break;
            kind = (kind & 0x7F) | (int64_t)(data[at++] & 0x7F) << 7;
        }
        uint64_t length = 0;
        int more = 1;
        for (int shift = 0; more && shift <= 21; shift += 7) {
            if (at == size) return count;
            length |= (uint64_t)(data[at] & 0x7F) << shift;
            more = data[at++] >= 0x80;
        }
        if (length > size - at) break;
        if (out->kinds != NULL) {
            out->kinds[count] = kind;
            out->starts[count] = (int64_t)start;
            out->bodies[count] = (int64_t)at;
            out->ends[count] = (int64_t)(at + length);
        }
        at += length;
        count++;
        out->stop = at;
    }
    return count;
}

/* Behind the texts that are there, from where it is kept. NULL: half of a pair stands alone. */
static uint8_t *utf8_of(const uint8_t *at, const uint8_t *stop, uint8_t *to) {
    while (at < stop) {
        uint32_t sign = at[0] | (uint32_t)at[1] << 8;
        at += 2;
        if (sign < 0x80) {
            *to++ = (uint8_t)sign;
            continue;
        }
        if (sign < 0x800) {
            *to++ = (uint8_t)(0xC0 | sign >> 6);
        } else {
            if (sign >= 0xD800 && sign < 0xE000) {
                if (sign >= 0xDC00 || stop - at < 2) return NULL;
                const uint32_t low = at[0] | (uint32_t)at[1] << 8;
                if (low < 0xDC00 || low >= 0xE000) return NULL;
                at += 2;
                sign = 0x10000 + ((sign - 0xD800) << 10) + (low - 0xDC00);
                *to++ = (uint8_t)(0xF0 | sign >> 18);
                *to++ = (uint8_t)(0x80 | (sign >> 12 & 0x3F));
            } else {
                *to++ = (uint8_t)(0xE0 | sign >> 12);
            }
            *to++ = (uint8_t)(0x80 | (sign >> 6 & 0x3F));
        }
        *to++ = (uint8_t)(0x80 | (sign & 0x3F));
    }
    return to;
}

/* Texts of UTF-16, little end first, as the one column of `array`. 0; GIVEN_UP: one of them is none; NO_MEMORY. */
EXPORT int douane_texts_16(const uint8_t *data, uint64_t size, const int64_t *starts, const int64_t *stops, uint64_t count,
                           ArrowArray *array, ArrowSchema *schema) {
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (starts[i] < 0 || stops[i] < starts[i] || (uint64_t)stops[i] > size || (stops[i] - starts[i]) % 2) return GIVEN_UP;
        bytes += (uint64_t)(stops[i] - starts[i]);
        if (bytes >= INT32_MAX / 2) return GIVEN_UP;
    }
    /* Two bytes become three at most; and a short text is written before it is put into its view. */
    Table *table = douane_table(1, count, bytes / 2 * 3 + 64);
    if (table == NULL) return NO_MEMORY;
    int failed = 0;
    for (uint64_t i = 0; i < count && !failed; i++) {
        uint8_t *const to = table->data + table->data_size;
        const uint8_t *const end = utf8_of(data + starts[i], data + stops[i], to);
        if (end == NULL) failed = GIVEN_UP;
        else put_text(table, 0, i, to, (uint64_t)(end - to));
    }
    if (!failed) failed = douane_table_columns(table, count, array, schema) ? NO_MEMORY : 0;
    douane_table_let_go(table);
    return failed;
}

/* The shared texts of BIFF8, which go on in the records behind theirs. */
typedef struct {
    uint64_t room;
    uint64_t at, body_end;                      /* where the next text begins, and where its record ends; found: likewise */
    uint64_t texts;                             /* found */
} SharedTexts;

typedef struct {
    const uint8_t *data;
    uint64_t size, at, body_end;
} Place;

/* How many bytes of the record are here. */
static inline uint64_t here(const Place *now) {
    return (now->body_end < now->size ? now->body_end : now->size) - now->at;
}

/* Behind the head of the record that continues this one, which is at its end. 0: there is none, or it is not here. */
static int next_body(Place *now) {
    if (now->at != now->body_end || now->size - now->at < 4) return 0;
    const uint8_t *const head = now->data + now->at;
    if (head[0] != 0x3C || head[1] != 0) return 0;
    now->at += 4;
    now->body_end = now->at + (head[2] | (uint64_t)head[3] << 8);
    return 1;
}

/* Over one text and what belongs to it, kept as row `number`. 0: it is not here as a whole, or its head stands in two
 * records, or it is none. */
static int shared_text(Place *now, Table *table, uint64_t number) {
    while (now->at == now->body_end)
        if (!next_body(now)) return 0;
    if (here(now) < 3) return 0;
    const uint8_t *head = now->data + now->at;
    uint64_t letters = head[0] | (uint64_t)head[1] << 8, more = 0;
    const uint8_t flags = head[2];
    now->at += 3;
    if (flags & 8) {
        if (here(now) < 2) return 0;
        head = now->data + now->at;
        more = 4 * (head[0] | (uint64_t)head[1] << 8);
        now->at += 2;
    }
    if (flags & 4) {
        if (here(now) < 4) return 0;
        head = now->data + now->at;
        more += head[0] | (uint64_t)head[1] << 8 | (uint64_t)head[2] << 16 | (uint64_t)head[3] << 24;
        now->at += 4;
    }
    int wide = flags & 1;
    uint8_t *const begin = table->data + table->data_size, *to = begin;
    for (;;) {
        const uint64_t there = here(now) >> wide, some = letters < there ? letters : there;
        const uint8_t *at = now->data + now->at, *const stop = at + (some << wide);
        if (wide) {
            if ((to = utf8_of(at, stop, to)) == NULL) return 0;
        } else {
            for (; at < stop; at++) {
                if (LIKELY(*at < 0x80)) {
                    *to++ = *at;
                } else {
                    *to++ = (uint8_t)(0xC0 | *at >> 6);
                    *to++ = (uint8_t)(0x80 | (*at & 0x3F));
                }
            }
        }
        now->at += some << wide;
        letters -= some;
        if (!letters) break;
        if (!next_body(now)) return 0;
        if (now->at == now->body_end) continue;
        if (!here(now)) return 0;
        wide = now->data[now->at++] & 1;
    }
    while (more) {
        const uint64_t some = here(now) < more ? here(now) : more;
        now->at += some;
        more -= some;
        if (more && !next_body(now)) return 0;
    }
    put_text(table, 0, number, begin, (uint64_t)(to - begin));
    return 1;
}

/* The shared texts that stand in `data` as a whole, one behind the other, as the one column of `array`. 0; GIVEN_UP: they
 * do not begin in it; NO_MEMORY. */
EXPORT int douane_texts_8(const uint8_t *data, uint64_t size, SharedTexts *out, ArrowArray *array, ArrowSchema *schema) {
    out->texts = 0;
    if (out->at > size || out->body_end < out->at || size >= INT32_MAX / 2 - 64) return GIVEN_UP;
    /* A byte becomes two, two become three; and a short text is written before it is put into its view. */
    Table *table = douane_table(1, out->room, 2 * size + 64);
    if (table == NULL) return NO_MEMORY;
    Place now = {.data = data, .size = size, .at = out->at, .body_end = out->body_end};
    while (out->texts < out->room && shared_text(&now, table, out->texts)) {
        out->at = now.at;
        out->body_end = now.body_end;
        out->texts++;
    }
    const int failed = douane_table_columns(table, out->texts, array, schema) ? NO_MEMORY : 0;
    douane_table_let_go(table);
    return failed;
}
