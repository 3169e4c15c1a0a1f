/* One text in the place of another, in whole columns of a part, batch by batch: each is unpacked, changed and packed again
 * while it is in the processor's cache. What `replace.c` does of cells that Polars read, and `part.c` of what comes of it.
 *
 * Of a batch all texts of a column stand one behind the other, so they are looked through as one text, in which a hit may
 * not lie across two cells. Parts that `part.c` did not write are not for this.
 */
#include "part.h"
#include "replace.h"
#include "squeeze.h"

#include <sys/mman.h>

enum { UTF8 = 5, INT = 2, FLOAT = 3, BINARY = 4, BOOL = 6 }; /* kinds of Arrow's Type */
enum { WIDTH_MAX = 64, FIELDS_MAX = 1 << 16, TAIL = 10, BLOCK = 24 };
#define MADE_MAX (256u << 20)                   /* bytes of all texts of a part */
#define BATCH_MAX (8u << 20)                    /* and of one batch: whoever looks at a cell unpacks it */
#define NO_COLUMN UINT32_MAX

typedef struct {
    const uint8_t *part;
    uint64_t size;
    const uint32_t *wanted;                     /* per column where it stands among the part's; NO_COLUMN = nowhere */
    const char *const *names;                   /* and what it is called in what is written */
    uint64_t width;
    const uint8_t *find, *text;
    uint64_t find_size, text_size, first_row, rows;
    int32_t file, why;
    const uint8_t *picked;                      /* a row, whether it may be changed; NULL = all may */
    uint64_t *hits;                             /* a row, in bits of the columns */
} Renewal;

/* ---- flatbuffers, read -------------------------------------------------------------------------------------------
 * Places are bytes from the beginning of the table that holds all others; 0 = there is none. */

typedef struct {
    const uint8_t *at;
    uint64_t size;
} Flat;

static uint64_t pointed(Flat flat, uint64_t place) {
    if (!place || place + 4 > flat.size) return 0;
    const uint64_t to = place + u32(flat.at + place);
    return to + 4 <= flat.size ? to : 0;
}

static uint64_t root_of(Flat flat) {
    const uint64_t to = flat.size < 8 ? 0 : u32(flat.at);
    return to && to + 4 <= flat.size ? to : 0;
}

static uint64_t field(Flat flat, uint64_t table, uint64_t number) {
    if (!table) return 0;
    const int64_t names = (int64_t)table - (int32_t)u32(flat.at + table);
    const uint64_t at = (uint64_t)names + 4 + 2 * number;
    if (names < 0 || at + 2 > flat.size) return 0;
    uint16_t size, to;
    memcpy(&size, flat.at + names, 2);
    if (4 + 2 * number >= size) return 0;
    memcpy(&to, flat.at + at, 2);
    return to && table + to + 8 <= flat.size ? table + to : 0;
}

/* Of a vector: how many of `each` bytes there are, and where the first stands. */
static uint64_t vector(Flat flat, uint64_t place, uint64_t each, uint64_t *first) {
    const uint64_t at = pointed(flat, place);
    if (!at) return 0;
    const uint64_t count = u32(flat.at + at);
    if (count > (flat.size - at - 4) / each) return 0;
    *first = at + 4;
    return count;
}

static int64_t i64(const uint8_t *at) {
    int64_t number;
    memcpy(&number, at, 8);
    return number;
}

/* ---- a part, read ------------------------------------------------------------------------------------------------ */

typedef struct {
    uint64_t rows, body_size;
    const uint8_t *body, *nodes, *buffers;
    uint64_t node_count, buffer_count;
} Batch;

typedef struct {
    Flat footer;
    uint64_t blocks, count;                     /* where they are listed, and how many */
    uint32_t *buffer;                           /* of each field its first buffer; UINT32_MAX: it is no text */
    uint64_t fields, buffers;
} Part;

static int open_part(const uint8_t *at, uint64_t size, Part *part) {
    if (size < TAIL + 8 || memcmp(at + size - 6, "ARROW1", 6)) return NOT_OURS;
    const uint64_t length = u32(at + size - TAIL);
    if (length > size - TAIL) return NOT_OURS;
    const Flat footer = part->footer = (Flat){at + size - TAIL - length, length};
    const uint64_t root = root_of(footer);
    uint64_t first = 0;
    part->count = vector(footer, field(footer, root, 3), BLOCK, &part->blocks);
    part->fields = vector(footer, field(footer, pointed(footer, field(footer, root, 1)), 1), 4, &first);
    if (!part->count || !part->fields || part->fields > FIELDS_MAX) return NOT_OURS;
    part->buffer = calloc(part->fields, sizeof *part->buffer);
    if (part->buffer == NULL) return NO_MEMORY;
    for (uint64_t i = 0; i < part->fields; i++) {
        const uint64_t kind = field(footer, pointed(footer, first + 4 * i), 2);
        const uint8_t type = kind ? footer.at[kind] : 0;
        if (type != UTF8 && type != BINARY && type != INT && type != FLOAT && type != BOOL) return NOT_OURS;
        part->buffer[i] = type == UTF8 ? (uint32_t)part->buffers : UINT32_MAX;
        part->buffers += type == UTF8 || type == BINARY ? 3 : 2;
    }
    return DONE;
}

static int batch_at(const Part *part, const uint8_t *at, uint64_t size, uint64_t number, Batch *batch) {
    const uint8_t *block = part->footer.at + part->blocks + BLOCK * number;
    const uint64_t offset = (uint64_t)i64(block), head = u32(block + 8), body = (uint64_t)i64(block + 16);
    if (head < 8 || offset > size || head > size - offset || body > size - offset - head) return NOT_OURS;
    const Flat meta = {at + offset + 8, head - 8};
    const uint64_t record = pointed(meta, field(meta, root_of(meta), 2)), rows = field(meta, record, 0);
    const uint64_t packing = pointed(meta, field(meta, record, 3)), codec = field(meta, packing, 0);
    uint64_t nodes = 0, buffers = 0;
    batch->node_count = vector(meta, field(meta, record, 1), 16, &nodes);
    batch->buffer_count = vector(meta, field(meta, record, 2), 16, &buffers);
    if (!rows || !packing || (codec && meta.at[codec])) return NOT_OURS;
    if (batch->node_count != part->fields || batch->buffer_count != part->buffers) return NOT_OURS;
    batch->rows = (uint64_t)i64(meta.at + rows);
    batch->nodes = meta.at + nodes;
    batch->buffers = meta.at + buffers;
    batch->body = at + offset + head;
    batch->body_size = body;
    return DONE;
}

typedef struct {
    uint8_t *at;
    uint64_t room;
} Room;

static int has_room(Room *room, uint64_t size) {
    if (size <= room->room) return 1;
    free(room->at);
    room->room = 0;
    room->at = malloc(size + size / 2);
    if (room->at == NULL) return 0;
    room->room = size + size / 2;
    return 1;
}

/* What a buffer is unpacked, where it stands packed, and how many bytes that takes; 0 bytes are none. */
static int buffer_at(const Batch *batch, uint64_t number, const uint8_t **at, uint64_t *packed, uint64_t *size) {
    const uint64_t offset = (uint64_t)i64(batch->buffers + 16 * number);
    uint64_t length = (uint64_t)i64(batch->buffers + 16 * number + 8);
    *size = 0;
    if (!length) return DONE;
    if (length < 8 || offset > batch->body_size || length > batch->body_size - offset) return NOT_OURS;
    *at = batch->body + offset + 8;
    *packed = length - 8;
    const int64_t plain = i64(*at - 8);
    *size = plain < 0 ? length - 8 : (uint64_t)plain;
    if (plain < 0) *packed = 0;
    return plain < -1 || *size > BATCH_MAX ? NOT_OURS : DONE;
}

static int unpacked(const Batch *batch, uint64_t number, Room *room, const uint8_t **at, uint64_t *size) {
    const uint8_t *from = NULL;
    uint64_t packed = 0;
    const int failed = buffer_at(batch, number, &from, &packed, size);
    if (failed) return failed;
    *at = from;
    if (!*size || !packed) return DONE;
    if (!has_room(room, *size + UNSQUEEZE_SLACK)) return NO_MEMORY;
    *at = room->at;
    return douane_unsqueeze(from, packed, room->at, *size) ? NOT_OURS : DONE;
}

/* ---- changed ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *text;                        /* afterwards, in the table */
    uint32_t *stops;
    uint64_t hits;                              /* rows */
} Made;

typedef struct {
    Exchange what;
    Renewal *order;
    Table *table;
    Part part;
    Made made[WIDTH_MAX];
    Room stops, present, text, all_stops, moved, numbers, moved_stops;
} Work;

/* Texts that stand one behind the other, with others in the place of what was found, to `out`; where each ends then. */
static uint64_t exchanged(const Exchange *what, const uint8_t *in, const uint32_t *stops, uint64_t rows, uint8_t *out,
                          uint32_t *made, uint64_t *hits, uint64_t bit) {
    const uint64_t size = stops[rows];
    const int same_size = what->find_size == what->text_size;
    uint64_t row = 0, done = 0, at = 0, met = 0;
    uint8_t *to = out;
    if (same_size) {
        memcpy(out, in, size);
        memcpy(made, stops, 4 * (rows + 1));
    }
    for (;;) {
        const uint64_t found = next_of(what, in, size, at);
        if (found == NOWHERE) break;
        while (stops[row + 1] <= found) {
            row++;
            if (!same_size) made[row] = (uint32_t)((uint64_t)(to - out) + stops[row] - done);
        }
        if (found + what->find_size > stops[row + 1]) {
            at = found + 1;                     /* it lies across two cells */
            continue;
        }
        met += !(hits[row] & bit);
        hits[row] |= bit;
        if (same_size) append(out + found, what->text, what->text_size);
        else to = append(append(to, in + done, found - done), what->text, what->text_size);
        done = at = found + what->find_size;
    }
    if (same_size) return met;
    while (row < rows) {
        row++;
        made[row] = (uint32_t)((uint64_t)(to - out) + stops[row] - done);
    }
    memcpy(to, in + done, size - done);
    return met;
}

/* A column of a batch that begins with `row`, into the table. */
static int column(Work *work, const Batch *batch, uint64_t number, uint64_t row) {
    Table *table = work->table;
    Made *made = &work->made[number];
    uint64_t *hits = work->order->hits + row;
    const uint64_t rows = batch->rows;
    const uint32_t at = work->order->wanted[number];
    made->stops = (uint32_t *)(void *)work->all_stops.at + number * (rows + 1);
    made->hits = 0;
    made->text = table->data + table->data_size;
    memset(made->stops, 0, 4 * (rows + 1));
    if (at == NO_COLUMN) return DONE;
    const uint64_t first = work->part.buffer[at];
    const uint8_t *present = NULL, *stops_at = NULL, *text = (const uint8_t *)"";
    uint64_t present_size, stops_size, size;
    int failed = unpacked(batch, first, &work->present, &present, &present_size);
    if (!failed) failed = unpacked(batch, first + 1, &work->stops, &stops_at, &stops_size);
    if (!failed) failed = unpacked(batch, first + 2, &work->text, &text, &size);
    if (failed) return failed;
    const uint64_t absent = (uint64_t)i64(batch->nodes + 16 * at + 8);
    if (absent > rows || stops_size != 4 * (rows + 1) || (absent && present_size < (rows + 7) / 8)) return NOT_OURS;
    const uint32_t *stops = (const uint32_t *)(const void *)stops_at;
    if (stops[0] || stops[rows] > size) return NOT_OURS;
    for (uint64_t i = 0; i < rows; i++)
        if (stops[i] > stops[i + 1]) return NOT_OURS;
    uint8_t *out = table->data + table->data_size;
    made->hits = exchanged(&work->what, text, stops, rows, out, made->stops, hits, 1ull << number);
    View *views = view_at(table, number, row);
    uint8_t *there = table->present + number * table->present_bytes;
    for (uint64_t i = 0; i < rows; i++) {
        if (absent && !(present[i / 8] >> i % 8 & 1)) continue;
        view_of(&views[i], out + made->stops[i], made->stops[i + 1] - made->stops[i], table->data_size + made->stops[i]);
        there[(row + i) / 8] |= (uint8_t)(1u << (row + i) % 8);
    }
    table->filled[number] += rows - absent;
    table->data_size += made->stops[rows];
    return DONE;
}

/* ---- written ----------------------------------------------------------------------------------------------------- */

/* The cells of a column that are changed, `kept` rows of a batch: their texts, stops and which are there. */
static int changed_of(Work *work, uint64_t number, const uint64_t *hits, uint64_t rows, uint64_t kept,
                      const void **buffers) {
    const Made *made = &work->made[number];
    const uint64_t bit = 1ull << number, bits = (kept + 7) / 8, stops_room = 4 * (kept + 1);
    if (!has_room(&work->moved, made->stops[rows] + 1) || !has_room(&work->moved_stops, stops_room + bits)) return NO_MEMORY;
    uint32_t *stops = (uint32_t *)(void *)work->moved_stops.at;
    uint8_t *there = work->moved_stops.at + stops_room;
    uint64_t to = 0, size = 0;
    memset(there, 0, bits);
    stops[0] = 0;
    for (uint64_t i = 0; i < rows; i++) {
        if (!hits[i]) continue;
        if (hits[i] & bit) {
            const uint64_t own = made->stops[i + 1] - made->stops[i];
            memcpy(work->moved.at + size, made->text + made->stops[i], own);
            size += own;
            there[to / 8] |= (uint8_t)(1u << to % 8);
        }
        stops[++to] = (uint32_t)size;
    }
    buffers[0] = there;
    buffers[1] = stops;
    buffers[2] = work->moved.at;
    return DONE;
}

/* Takes back what was found in rows that are not picked. In the table they are changed, and mean nothing. */
static void leave_out(Work *work, uint64_t row, uint64_t rows) {
    for (uint64_t i = row; i < row + rows; i++) {
        if (work->order->picked[i]) continue;
        for (uint64_t bits = work->order->hits[i]; bits; bits &= bits - 1) work->made[__builtin_ctzll(bits)].hits--;
        work->order->hits[i] = 0;
    }
}

/* What is written holds the columns one behind the other, and one that is put together anew must stand until it is. */
static int write_rows(Work *work, Writing *to, uint64_t row, uint64_t rows) {
    const uint64_t *hits = work->order->hits + row;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < rows; i++) kept += hits[i] != 0;
    if (!kept) return DONE;
    if (!has_room(&work->numbers, 16 * kept)) return NO_MEMORY;
    int64_t *numbers = (int64_t *)(void *)work->numbers.at;
    uint64_t *own_hits = (uint64_t *)(void *)(numbers + kept), place = 0;
    for (uint64_t i = 0; i < rows; i++) {
        if (!hits[i]) continue;
        numbers[place] = (int64_t)(work->order->first_row + row + i);
        own_hits[place++] = hits[i];
    }
    const uint64_t width = work->order->width;
    int failed = DONE;
    douane_part_open(to);
    for (uint64_t i = 0; !failed && i < width + 2; i++) {
        const void *buffers[3] = {NULL, i == 0 ? (const void *)numbers : own_hits, NULL};
        ArrowArray array = {.length = (int64_t)kept, .n_buffers = i < 2 ? 2 : 3, .buffers = buffers};
        if (i >= 2) {
            const Made *made = &work->made[i - 2];
            buffers[1] = made->stops;
            buffers[2] = made->text;
            if (kept < rows || made->hits < rows) {
                array.null_count = (int64_t)(kept - made->hits);
                failed = changed_of(work, i - 2, hits, rows, kept, buffers);
            }
        }
        if (!failed) failed = douane_part_column(to, i, &array, kept);
    }
    return failed ? failed : douane_part_close(to, kept);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* The most that all texts of the columns may be afterwards, over MADE_MAX if it is more, and that all rows are there. */
static int measure(const Work *work, uint64_t *room) {
    const Renewal *order = work->order;
    uint64_t rows = 0;
    *room = 0;
    for (uint64_t i = 0; i < work->part.count; i++) {
        Batch batch;
        int failed = batch_at(&work->part, order->part, order->size, i, &batch);
        uint64_t all = 0;
        for (uint64_t column = 0; !failed && column < order->width; column++) {
            if (order->wanted[column] == NO_COLUMN) continue;
            if (order->wanted[column] >= work->part.fields) return NOT_OURS;
            const uint64_t first = work->part.buffer[order->wanted[column]];
            if (first == UINT32_MAX) return NOT_OURS;
            const uint8_t *at;
            uint64_t packed, size;
            failed = buffer_at(&batch, first + 2, &at, &packed, &size);
            all += room_of(&work->what, size, MADE_MAX);
        }
        if (failed) return failed;
        if (all > BATCH_MAX || batch.rows > order->rows) return NOT_OURS;
        rows += batch.rows;
        *room += all;
    }
    return rows != order->rows || *room > MADE_MAX ? NOT_OURS : DONE;
}

static Writing *begin(const Renewal *order, int *failed, int32_t *why) {
    ArrowSchema schemas[WIDTH_MAX + 2] = {{.format = "l", .name = "row"}, {.format = "L", .name = "hits"}}, *children[WIDTH_MAX + 2];
    for (uint64_t i = 0; i < order->width + 2; i++) {
        if (i >= 2) schemas[i] = (ArrowSchema){.format = "u", .name = order->names[i - 2]};
        schemas[i].flags = 2;
        children[i] = &schemas[i];
    }
    const ArrowSchema schema = {.format = "+s", .n_children = (int64_t)order->width + 2, .children = children};
    return douane_part_begin(&schema, order->file, failed, why);
}

/* All cells of the columns as they are afterwards, as c0, c1 ... of a struct, and what is changed of the picked rows, written to the file as
 * `staging/spread.py` has it. DONE; NOT_OURS: it is not for this; NO_MEMORY; NOT_WRITTEN, `why` = errno. */
EXPORT int douane_renew(Renewal *order, ArrowArray *array, ArrowSchema *schema) {
    if (!order->find_size || !order->width || order->width > WIDTH_MAX || !order->rows) return NOT_OURS;
    Work *work = calloc(1, sizeof *work);
    if (work == NULL) return NO_MEMORY;
    work->order = order;
    work->what = exchange_of(order->find, order->find_size, order->text, order->text_size);
    order->why = 0;
    uint64_t room = 0, row = 0;
    Writing *to = NULL;
    int failed = open_part(order->part, order->size, &work->part);
    if (!failed) failed = measure(work, &room);
    if (!failed && (work->table = douane_table(order->width, order->rows, room + SLACK)) == NULL) failed = NO_MEMORY;
    if (!failed) to = begin(order, &failed, &order->why);
#ifdef MADV_HUGEPAGE
    /* Nearly all of it is written, one page after the other. */
    if (!failed) madvise(work->table->filled, work->table->mapped, MADV_HUGEPAGE);
#endif
    memset(order->hits, 0, 8 * order->rows);
    for (uint64_t i = 0; !failed && i < work->part.count; i++) {
        Batch batch;
        failed = batch_at(&work->part, order->part, order->size, i, &batch);
        if (!failed && !has_room(&work->all_stops, 4 * (batch.rows + 1) * order->width)) failed = NO_MEMORY;
        for (uint64_t column_ = 0; !failed && column_ < order->width; column_++) failed = column(work, &batch, column_, row);
        if (!failed && order->picked != NULL) leave_out(work, row, batch.rows);
        if (!failed) failed = write_rows(work, to, row, batch.rows);
        row += batch.rows;
    }
    if (to != NULL) failed = douane_part_end(to, failed, &order->why);
    if (!failed && douane_table_columns(work->table, order->rows, array, schema)) failed = NO_MEMORY;
    if (work->table != NULL) douane_table_let_go(work->table);
    Room *const all[] = {&work->stops, &work->present, &work->text, &work->all_stops, &work->moved, &work->numbers, &work->moved_stops};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->at);
    free(work->part.buffer);
    free(work);
    return failed;
}
