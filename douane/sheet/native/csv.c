/* Delimited text -> records, their lines, and their cells as Arrow's string views.
 *
 * The rule is that of Python's `csv` with strict off: a quote opens a cell only at the cell's start, a doubled quote
 * inside is one quote, text behind the closing quote belongs to the cell, and LF, CRLF and a lone CR all end a line.
 */
#include "kernel.h"
#include "scan.h"
#include "utf8.h"

#include <stdatomic.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { ODD = 1, MAYBE_BLANK = 2 };              /* marks of a record */
enum { FLAG_SHORT = 1, FLAG_BROKEN = 8 };       /* those of sheet/formats */
enum { GIVEN_UP = -1, NO_MEMORY = -2 };

typedef struct {
    uint8_t delimiter, quote, quoted;           /* quoted = 0: the dialect knows no quotes */
    uint32_t width, headings;
    uint64_t cell_bytes, record_bytes, columns; /* limits */
} Dialect;

/* Per record, room for `room` of each; and what was found in all of them. */
typedef struct {
    uint64_t room;
    int64_t *stops;                             /* behind its line end */
    uint32_t *lines;                            /* on which it begins; counted from 0 here */
    uint8_t *flags, *marks;
    uint32_t *joins;                            /* records with text behind a quoted stretch over several lines */
    uint64_t records, odd, blank, joined;
} Records;

/* What the columns of one table share, until the last of them is released. */
typedef struct Shared {
    atomic_long holders;
    uint64_t ticket;                            /* the caller's name for the text the views point into */
    View *views;
    uint64_t views_bytes;
    uint8_t *present;                           /* validity bitmaps, one behind the other; NULL = no cell is absent */
    uint8_t *aside;                             /* texts that stand nowhere as they are: unescaped ones */
    struct Shared *next;
} Shared;

/* Tables whose last column was released: their texts may go too. Whoever releases may hold no lock of Python's. */
static _Atomic(Shared *) gone;

/* Views are many megabytes for a moment: they come from the system and go back to it, so that no heap keeps their room.
 * Those of one table are kept for the next, for the system hands out zeroes, page by page. */
typedef struct {
    uint64_t bytes;
} Spare;

static _Atomic(Spare *) spare;

enum { SPARE_BYTES_MAX = 16 << 20, SPARE_STEP = 2 << 20 };

static View *views_of(uint64_t bytes) {
    Spare *kept = bytes <= SPARE_BYTES_MAX ? atomic_exchange(&spare, NULL) : NULL;
    if (kept != NULL) {
        if (kept->bytes == bytes) return (View *)(void *)kept;
        munmap(kept, kept->bytes);
    }
    void *found = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= 4u << 20) madvise(found, bytes, MADV_HUGEPAGE);
#endif
    return found;
}

static void give_back(View *views, uint64_t bytes) {
    if (bytes <= SPARE_BYTES_MAX) {
        Spare *now = (Spare *)(void *)views, *none = NULL;
        now->bytes = bytes;
        if (atomic_compare_exchange_strong(&spare, &none, now)) return;
    }
    munmap(views, bytes);
}

/* Whoever reads large texts piece by piece needs the same room again at once: it stays in the heap until then. */
void douane_keep_freed(void) {
#ifdef __GLIBC__
    static atomic_int told;
    if (atomic_exchange(&told, 1)) return;
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

static void let_go(Shared *shared) {
    if (atomic_fetch_sub(&shared->holders, 1) != 1) return;
    if (shared->views != NULL) give_back(shared->views, shared->views_bytes);
    free(shared->present);
    free(shared->aside);
    shared->next = atomic_load(&gone);
    while (!atomic_compare_exchange_weak(&gone, &shared->next, shared)) {}
}

/* Up to `room` tickets of texts that nothing points into any more. */
EXPORT uint64_t douane_gone(uint64_t *tickets, uint64_t room) {
    uint64_t count = 0;
    Shared *found = atomic_exchange(&gone, NULL);
    while (found != NULL) {
        Shared *next = found->next;
        if (count < room) {
            tickets[count++] = found->ticket;
            free(found);
        } else {
            found->next = atomic_load(&gone);
            while (!atomic_compare_exchange_weak(&gone, &found->next, found)) {}
        }
        found = next;
    }
    return count;
}

/* ---- where the last whole record ends ------------------------------------------------------------------------- */

typedef struct {
    uint64_t size, lines, records;
} Cut;

/* The last record end in `text`, which begins with a record, with no more than `records_max` records before it but at
 * least one. A CR in last place ends no record, for an LF may follow. size = 0: no record ends in `text`. */
INLINED Cut cut_at(const uint8_t *text, uint64_t size, const Dialect *dialect, uint64_t records_max, Equal64 equal) {
    const uint8_t delimiter = dialect->delimiter, quote = dialect->quote;
    const int quoted = dialect->quoted;
    uint64_t lines = 0, records = 0, begin = 0, skip = UINT64_MAX;
    int inside = 0;
    Cut cut = {0};
    uint8_t tail[64];
    for (uint64_t base = 0; base < size; base += 64) {
        const uint8_t *at = text + base;
        if (UNLIKELY(base + 64 > size)) {
            memset(tail, 0, sizeof tail);
            memcpy(tail, at, size - base);
            at = tail;
        }
        Signs found = signs_of(at, delimiter, quote, quoted, equal);
        const uint64_t within = base + 64 <= size ? ~0ull : (1ull << (size - base)) - 1;
        uint64_t carriages = found.carriages & within;
        if (UNLIKELY(carriages)) {
            uint64_t followed = found.feeds >> 1 | (uint64_t)(base + 64 < size && text[base + 64] == '\n') << 63;
            carriages &= ~followed;
            if (base + 64 >= size && text[size - 1] == '\r') carriages &= ~(1ull << (size - 1 - base));
        }
        const uint64_t ends = (found.feeds & within) | carriages;
        uint64_t quotes = found.quotes & within;
        if (LIKELY(!quotes)) {
            if (inside) {
                lines += (uint64_t)__builtin_popcountll(ends);
                continue;
            }
            /* Which blocks hold a record end is anybody's guess: written so that no jump is made of it. */
            const uint64_t count = (uint64_t)__builtin_popcountll(ends), starts = ends | (found.delimiters & within);
            if (LIKELY(records + count < records_max)) {
                const uint64_t last_end = base + 64 - (uint64_t)__builtin_clzll(ends | 1);
                const uint64_t last_start = base + 64 - (uint64_t)__builtin_clzll(starts | 1);
                records += count;
                lines += count;
                cut.size = ends ? last_end : cut.size;
                cut.records = ends ? records : cut.records;
                cut.lines = ends ? lines : cut.lines;
                begin = starts ? last_start : begin;
                continue;
            }
        }
        uint64_t signs = quotes | ends | (found.delimiters & within);
        while (signs) {
            const uint64_t bit = signs & -signs, place = base + (uint64_t)__builtin_ctzll(signs);
            signs ^= bit;
            if (inside) {
                if (ends & bit) lines++;
                else if ((quotes & bit) && place != skip) {
                    if (place + 1 < size && text[place + 1] == quote) skip = place + 1;
                    else inside = 0;
                }
            } else if (quotes & bit) {
                inside = place == begin && place != skip;
            } else {
                begin = place + 1;
                if (!(ends & bit)) continue;
                records++;
                lines++;
                cut = (Cut){.size = begin, .lines = lines, .records = records};
                if (records >= records_max) return cut;
            }
        }
    }
    return cut;
}

#ifdef WIDE
WIDE static Cut wide_cut(const uint8_t *text, uint64_t size, const Dialect *dialect, uint64_t records_max) {
    return cut_at(text, size, dialect, records_max, wide_equal_64);
}
#endif

static Cut plain_cut(const uint8_t *text, uint64_t size, const Dialect *dialect, uint64_t records_max) {
    return cut_at(text, size, dialect, records_max, equal_64);
}

EXPORT void douane_cut(const uint8_t *text, uint64_t size, const Dialect *dialect, uint64_t records_max, Cut *cut) {
#ifdef WIDE
    if (is_wide()) {
        *cut = wide_cut(text, size, dialect, records_max);
        return;
    }
#endif
    *cut = plain_cut(text, size, dialect, records_max);
}

/* ---- records and cells ---------------------------------------------------------------------------------------- */

typedef struct {
    const Dialect *dialect;
    const uint8_t *text;
    uint64_t size;
    Records *out;
    Shared *shared;
    uint64_t present_bytes;                     /* of one column's bitmap */
    uint64_t aside_size, aside_room;
    int64_t *absent;                            /* per column */
    Looked looked;
    int is_utf8;
} Reading;

/* The first so many bytes of a word. */
static const uint64_t FIRST[9] = {
    0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, ~0ull,
};

/* Which texts are short is anybody's guess: where 16 bytes can be read from `at` on (`roomy`), no jump is made of it. */
INLINED void view_of(View *view, const uint8_t *at, uint64_t length, int roomy, uint32_t buffer, uint64_t offset) {
    uint64_t words[2], first = 0, rest = 0;
    if (LIKELY(roomy)) {
        memcpy(&first, at, 4);
        memcpy(&rest, at + 4, 8);
    } else {
        uint8_t held[12] = {0};
        memcpy(held, at, length < 12 ? length : 12);
        memcpy(&first, held, 4);
        memcpy(&rest, held + 4, 8);
    }
    const uint64_t within = length < 12 ? length : 12, behind = within > 4 ? within - 4 : 0;
    words[0] = (uint32_t)length | (first & FIRST[within < 4 ? within : 4]) << 32;
    words[1] = length <= 12 ? rest & FIRST[behind] : buffer | offset << 32;
    memcpy(view, words, sizeof words);
}

/* The cell that begins with a quote and holds doubled ones or text behind the closing one, written aside. */
static int unescaped(Reading *reading, View *view, const uint8_t *at, uint64_t length) {
    Shared *shared = reading->shared;
    const uint8_t quote = reading->dialect->quote;
    if (reading->aside_size + length > reading->aside_room) {
        uint64_t room = reading->aside_room + reading->aside_room / 2 + length + 4096;
        if (room >= INT32_MAX) return GIVEN_UP;
        uint8_t *more = realloc(shared->aside, room);
        if (more == NULL) return NO_MEMORY;
        shared->aside = more;
        reading->aside_room = room;
    }
    uint8_t *begin = shared->aside + reading->aside_size, *to = begin;
    const uint8_t *end = at + length;
    at++;
    for (;;) {
        const uint8_t *found = memchr(at, quote, (size_t)(end - at));
        const uint8_t *until = found == NULL ? end : found;
        memcpy(to, at, (size_t)(until - at));
        to += until - at;
        if (found == NULL) break;
        if (found + 1 < end && found[1] == quote) {
            *to++ = quote;
            at = found + 2;
            continue;
        }
        memcpy(to, found + 1, (size_t)(end - found - 1));
        to += end - found - 1;
        break;
    }
    uint64_t size = (uint64_t)(to - begin);
    view_of(view, begin, size, 0, 1, reading->aside_size);
    if (size > 12) reading->aside_size += size;
    return 0;
}

static int absent_cells(Reading *reading, uint64_t record, uint64_t from) {
    const uint64_t width = reading->dialect->width;
    Shared *shared = reading->shared;
    if (shared->present == NULL) {
        shared->present = malloc(width * reading->present_bytes);
        if (shared->present == NULL) return NO_MEMORY;
        memset(shared->present, 0xff, width * reading->present_bytes);
    }
    for (uint64_t column = from; column < width; column++) {
        shared->present[column * reading->present_bytes + record / 8] &= (uint8_t)~(1u << record % 8);
        memset(&shared->views[column * reading->out->room + record], 0, sizeof(View));
        reading->absent[column]++;
    }
    return 0;
}

/* Whether the record holds nothing that is surely seen: signs of ASCII other than delimiters and quotes. */
static int may_be_blank(const Reading *reading, uint64_t from, uint64_t to) {
    const uint8_t delimiter = reading->dialect->delimiter;
    const int quote = reading->dialect->quoted ? reading->dialect->quote : -1;
    for (uint64_t at = from; at < to; at++) {
        const uint8_t sign = reading->text[at];
        if (sign > 0x20 && sign < 0x80 && sign != delimiter && sign != quote) return 0;
    }
    return 1;
}

/* Where reading stands: in which cell of which record. */
typedef struct {
    uint64_t record, record_start, record_line, lines;
    uint64_t cells, start;                      /* of this record before this cell; where this cell begins */
    uint64_t closed, opened_line;               /* of a cell that is quoted: its closing quote; its first line */
    int inside, opened, escapes, odd;
} Place;

/* The cell ends before `end`. */
static inline int cell_ends(Reading *reading, Place *now, uint64_t end) {
    const Dialect *dialect = reading->dialect;
    const uint8_t *text = reading->text;
    const uint64_t start = now->start, length = end - start;
    const int whole = now->opened && !now->escapes && now->closed + 1 == end;
    if (LIKELY(now->cells < dialect->width)) {
        View *view = &reading->shared->views[now->cells * reading->out->room + now->record];
        if (LIKELY(!now->opened)) {
            view_of(view, text + start, length, start + 16 <= reading->size, 0, start);
        } else if (LIKELY(whole)) {
            view_of(view, text + start + 1, length - 2, start + 17 <= reading->size, 0, start + 1);
        } else {
            int failed = unescaped(reading, view, text + start, length);
            if (failed) return failed;
        }
        now->odd |= view->length > dialect->cell_bytes;
    } else {
        now->odd = 1;                           /* wider than the table */
    }
    if (UNLIKELY(now->opened)) {
        if (now->closed + 1 != end && now->lines != now->opened_line) {
            if (reading->out->joined >= reading->out->room) return GIVEN_UP;
            reading->out->joins[reading->out->joined++] = (uint32_t)now->record;
        }
        now->opened = now->escapes = 0;
    }
    now->cells++;
    return 0;
}

/* The record ends before `stop`, behind its line end. */
static inline int record_ends(Reading *reading, Place *now, uint64_t stop, int broken) {
    const Dialect *dialect = reading->dialect;
    Records *out = reading->out;
    const uint64_t record = now->record;
    const uint8_t *text = reading->text;
    /* Every line end counts as one byte, one that lacks at the end of the file too. */
    uint64_t length = stop - now->record_start;
    if (length > 1 && text[stop - 1] == '\n' && text[stop - 2] == '\r') length--;
    if (text[stop - 1] != '\n' && text[stop - 1] != '\r') length++;
    if (UNLIKELY((broken ? stop - now->record_start : length) > dialect->record_bytes)) return GIVEN_UP;
    out->stops[record] = (int64_t)stop;
    out->lines[record] = (uint32_t)(now->record_line < UINT32_MAX ? now->record_line : UINT32_MAX);
    out->flags[record] = broken ? FLAG_BROKEN : now->cells < dialect->headings ? FLAG_SHORT : 0;
    uint8_t marks = broken || now->odd || now->cells > dialect->columns ? ODD : 0;
    const uint8_t first = text[now->record_start];
    if (UNLIKELY(first <= 0x20 || first >= 0x80 || first == dialect->delimiter || first == dialect->quote) &&
        may_be_blank(reading, now->record_start, stop)) {
        marks |= MAYBE_BLANK;
        out->blank++;
    }
    out->marks[record] = marks;
    out->odd += marks & ODD;
    if (UNLIKELY(now->cells < dialect->width)) {
        int failed = absent_cells(reading, record, now->cells);
        if (failed) return failed;
    }
    now->record++;
    now->record_start = now->start = stop;
    now->record_line = now->lines;
    now->cells = 0;
    now->odd = 0;
    return UNLIKELY(now->record >= out->room) && stop < reading->size ? GIVEN_UP : 0;
}

/* `look` tells on the way what is no UTF-8; NULL: it is asked later. */
INLINED int records_of(Reading *reading, Equal64 equal, void (*look)(Looked *, const uint8_t *)) {
    const Dialect dialect = *reading->dialect;
    const uint8_t *text = reading->text;
    const uint64_t size = reading->size;
    Place now = {.closed = UINT64_MAX};
    uint64_t skip = UINT64_MAX;                 /* the second of two quotes that are one */
    uint8_t tail[64];
    int failed = 0;
    if (size >= INT32_MAX || reading->out->room == 0) return GIVEN_UP;
    for (uint64_t base = 0; base < size; base += 64) {
        const uint8_t *at = text + base;
        uint64_t within = ~0ull;
        if (UNLIKELY(base + 64 > size)) {
            memset(tail, 0, sizeof tail);
            memcpy(tail, at, size - base);
            at = tail;
            within = (1ull << (size - base)) - 1;
        }
        if (look != NULL) look(&reading->looked, at);
        Signs found = signs_of(at, dialect.delimiter, dialect.quote, dialect.quoted, equal);
        uint64_t carriages = found.carriages & within;
        if (UNLIKELY(carriages))
            carriages &= ~(found.feeds >> 1 | (uint64_t)(base + 64 < size && text[base + 64] == '\n') << 63);
        const uint64_t ends = (found.feeds & within) | carriages, quotes = found.quotes & within;
        if (now.inside && !quotes) {
            now.lines += (uint64_t)__builtin_popcountll(ends);
            continue;
        }
        uint64_t signs = quotes | ends | (found.delimiters & within);
        while (signs) {
            const uint64_t bit = signs & -signs, place = base + (uint64_t)__builtin_ctzll(signs);
            signs ^= bit;
            if (UNLIKELY(now.inside)) {
                if (ends & bit) {
                    now.lines++;
                } else if ((quotes & bit) && place != skip) {
                    if (place + 1 < size && text[place + 1] == dialect.quote) {
                        skip = place + 1;
                        now.escapes = 1;
                    } else {
                        now.inside = 0;
                        now.closed = place;
                    }
                }
            } else if (quotes & bit) {
                if (place == now.start) {
                    now.inside = now.opened = 1;
                    now.opened_line = now.lines;
                }
            } else if (ends & bit) {
                const int pair = (found.feeds & bit) && place > now.start && text[place - 1] == '\r';
                failed = cell_ends(reading, &now, place - (uint64_t)pair);
                now.lines++;
                if (!failed) failed = record_ends(reading, &now, place + 1, 0);
                if (UNLIKELY(failed)) return failed;
            } else {
                failed = cell_ends(reading, &now, place);
                now.start = place + 1;
                if (UNLIKELY(failed)) return failed;
            }
        }
    }
    if (now.record_start < size) {              /* no line end behind the last record, or a quote that is open */
        if (!now.inside) failed = cell_ends(reading, &now, size);
        if (!failed) failed = record_ends(reading, &now, size, now.inside);
    }
    reading->out->records = now.record;
    if (look != NULL) {
        memset(tail, 0, sizeof tail);
        look(&reading->looked, tail);
        reading->is_utf8 = !is_wrong(&reading->looked);
    } else {
        reading->is_utf8 = douane_is_utf8(text, size);
    }
    return failed;
}

#ifdef WIDE
WIDE static int wide_records(Reading *reading) { return records_of(reading, wide_equal_64, wide_look); }
#endif

static int plain_records(Reading *reading) { return records_of(reading, equal_64, NULL); }

static int read_records(Reading *reading) {
#ifdef WIDE
    if (is_wide()) return wide_records(reading);
#endif
    return plain_records(reading);
}

/* Marks the records that are no UTF-8: their cells must not be looked at as text. */
static void mark_undecodable(Reading *reading) {
    Records *out = reading->out;
    if (reading->is_utf8) return;
    uint64_t start = 0;
    for (uint64_t record = 0; record < out->records; record++) {
        const uint64_t stop = (uint64_t)out->stops[record];
        if (!douane_is_utf8(reading->text + start, stop - start) && !(out->marks[record] & ODD)) {
            out->marks[record] |= ODD;
            out->odd++;
        }
        start = stop;
    }
}

/* An odd record's cells are read by others: here they are empty ones. */
static void without_odd(Reading *reading) {
    Records *out = reading->out;
    for (uint64_t record = 0; record < out->records; record++)
        if (out->marks[record] & ODD)
            for (uint64_t column = 0; column < reading->dialect->width; column++)
                memset(&reading->shared->views[column * out->room + record], 0, sizeof(View));
}

/* ---- as Arrow's arrays ---------------------------------------------------------------------------------------- */

typedef struct {
    Shared *shared;
    int64_t aside_size[2];                      /* sizes of the buffers the views point into */
    const void *buffers[5];
} Column;

static void release_column(ArrowArray *array) {
    Column *column = array->private_data;
    let_go(column->shared);
    free(column);
    array->release = NULL;
}

static void release_table(ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free(array->children);
    free(array->private_data);
    array->release = NULL;
}

static void release_schema(ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release != NULL) schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    free((void *)schema->name);
    schema->release = NULL;
}

static int describe(ArrowSchema *schema, const char *format, const char *name, uint64_t children) {
    memset(schema, 0, sizeof *schema);
    schema->format = format;
    schema->name = strdup(name);
    schema->flags = 2;                          /* nullable */
    schema->release = release_schema;
    if (schema->name == NULL) return NO_MEMORY;
    if (children) {
        schema->children = calloc(children, sizeof *schema->children);
        if (schema->children == NULL) return NO_MEMORY;
    }
    return 0;
}

static int columns_of(Reading *reading, ArrowArray *array, ArrowSchema *schema) {
    const uint64_t width = reading->dialect->width, records = reading->out->records;
    Shared *shared = reading->shared;
    if (describe(schema, "+s", "", width)) return NO_MEMORY;
    memset(array, 0, sizeof *array);
    const void **none = calloc(1, sizeof *none);
    array->children = calloc(width, sizeof *array->children);
    array->release = release_table;
    array->private_data = none;
    if (none == NULL || array->children == NULL) return NO_MEMORY;
    array->length = (int64_t)records;
    array->n_buffers = 1;
    array->buffers = none;
    for (uint64_t i = 0; i < width; i++) {
        char name[24];
        int length = 0;
        uint64_t number = i, power = 1;
        while (number / power >= 10) power *= 10;
        name[length++] = 'c';
        for (; power; power /= 10) name[length++] = (char)('0' + number / power % 10);
        name[length] = 0;
        ArrowSchema *field = calloc(1, sizeof *field);
        ArrowArray *child = calloc(1, sizeof *child);
        Column *column = calloc(1, sizeof *column);
        if (field == NULL || child == NULL || column == NULL || describe(field, "vu", name, 0)) {
            if (field != NULL) free((void *)field->name);
            free(field);
            free(child);
            free(column);
            return NO_MEMORY;
        }
        schema->children[schema->n_children++] = field;
        array->children[array->n_children++] = child;
        column->shared = shared;
        atomic_fetch_add(&shared->holders, 1);
        const int aside = reading->aside_size > 0;
        column->aside_size[0] = (int64_t)reading->size;
        column->aside_size[1] = (int64_t)reading->aside_size;
        column->buffers[0] = reading->absent[i] ? shared->present + i * reading->present_bytes : NULL;
        column->buffers[1] = shared->views + i * reading->out->room;
        column->buffers[2] = reading->text;
        column->buffers[3] = aside ? (const void *)shared->aside : column->aside_size;
        column->buffers[4] = column->aside_size;
        child->length = (int64_t)records;
        child->null_count = reading->absent[i];
        child->n_buffers = aside ? 5 : 4;
        child->buffers = column->buffers;
        child->release = release_column;
        child->private_data = column;
    }
    return 0;
}

/* Reads all of `text`, which begins with a record: `out` is filled, and `array` holds the cells of the first `width`
 * columns, those of odd records apart. `text` must stand where it is until `ticket` is told to be gone.
 * 0; GIVEN_UP: this text is not for us; NO_MEMORY. */
EXPORT int douane_read(const uint8_t *text, uint64_t size, const Dialect *dialect, uint64_t ticket, Records *out,
                       ArrowArray *array, ArrowSchema *schema) {
    array->release = NULL;
    schema->release = NULL;
    if (size >= 4u << 20) douane_keep_freed();
    Reading reading = {.dialect = dialect, .text = text, .size = size, .out = out, .looked = {.closed = 1}};
    Shared *shared = calloc(1, sizeof *shared);
    reading.absent = calloc(dialect->width, sizeof *reading.absent);
    int failed = NO_MEMORY;
    if (shared != NULL && reading.absent != NULL) {
        atomic_store(&shared->holders, 1);
        shared->ticket = ticket;
        shared->views_bytes = (uint64_t)dialect->width * out->room * sizeof(View);
        shared->views_bytes = (shared->views_bytes + sizeof(Spare) + SPARE_STEP) / SPARE_STEP * SPARE_STEP;
        shared->views = views_of(shared->views_bytes);
        reading.shared = shared;
        reading.present_bytes = (out->room + 63) / 64 * 8;
        out->records = out->odd = out->blank = out->joined = 0;
        if (shared->views != NULL) failed = read_records(&reading);
        if (!failed) {
            mark_undecodable(&reading);
            if (out->odd) without_odd(&reading);
            failed = columns_of(&reading, array, schema);
        }
    }
    if (failed) {
        if (array->release != NULL) array->release(array);
        if (schema->release != NULL) schema->release(schema);
    }
    free(reading.absent);
    if (shared != NULL) let_go(shared);         /* this one's hold; the columns have theirs */
    return failed;
}
