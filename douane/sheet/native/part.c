/* A table -> an Arrow IPC file: texts and bytes with 32-bit offsets, numbers, truths, and what may be absent.
 *
 * Readers of Arrow files read it as they read any. The metadata are flatbuffers, written front to back: what a table
 * points to stands behind it, and is told where it stands once it does.
 */
#include "part.h"
#include "squeeze.h"

#include <errno.h>
#include <unistd.h>

enum { INT = 2, FLOAT = 3, BINARY = 4, UTF8 = 5, BOOL = 6 };  /* kinds of Arrow's Type */
enum { VERSION = 4, SCHEMA = 1, RECORD_BATCH = 3 }; /* its fifth version; kinds of its MessageHeader */
static const uint8_t MAGIC[8] = "ARROW1\0\0";

typedef struct {
    const char *name;
    uint8_t type, bytes, is_signed, nullable;   /* bytes: of a number */
    uint8_t offsets;                            /* its texts come with offsets, not as views */
    uint8_t loose;                              /* what came of it so far is hardly smaller when packed */
} Field;

typedef struct {
    int64_t offset, body;
    int32_t meta, empty;
} Block;

/* ---- flatbuffers ---------------------------------------------------------------------------------------------- */

typedef struct {
    uint8_t *at;
    uint64_t size, room;
    int failed;
} Bytes;

static int has_room(Bytes *bytes, uint64_t more) {
    if (bytes->size + more <= bytes->room) return 1;
    const uint64_t room = bytes->room * 2 + more + 256;
    uint8_t *moved = realloc(bytes->at, room);
    if (moved == NULL) {
        bytes->failed = 1;
        return 0;
    }
    bytes->at = moved;
    bytes->room = room;
    return 1;
}

static void put(Bytes *bytes, const void *from, uint64_t size) {
    if (!has_room(bytes, size)) return;
    memcpy(bytes->at + bytes->size, from, size);
    bytes->size += size;
}

static void put_32(Bytes *bytes, uint32_t word) { put(bytes, &word, 4); }

static void put_64(Bytes *bytes, int64_t word) { put(bytes, &word, 8); }

/* Zeroes until something of `size` stands at a multiple of `of`. */
static void aligned(Bytes *bytes, uint64_t size, uint64_t of) {
    static const uint8_t zeroes[8];
    while ((bytes->size + size) % of) put(bytes, zeroes, 1);
}

static void set(Bytes *bytes, uint64_t place, const void *from, uint64_t size) {
    if (!bytes->failed) memcpy(bytes->at + place, from, size);
}

/* What stands at `place` points to what comes next. */
static void points_here(Bytes *bytes, uint64_t place) {
    const uint32_t distance = (uint32_t)(bytes->size - place);
    set(bytes, place, &distance, 4);
}

/* A table whose fields take `sizes` bytes each, 0 = none of that field: `places` says where each is to be set. */
static uint64_t table(Bytes *bytes, const uint8_t *sizes, int count, uint64_t *places) {
    aligned(bytes, 0, 2);
    const uint64_t names = bytes->size;
    uint16_t heads[2 + 8] = {(uint16_t)(4 + 2 * count)};
    put(bytes, heads, 4 + 2 * (uint64_t)count);
    aligned(bytes, 0, 8);                       /* so that every field can stand at a multiple of its size */
    const uint64_t begin = bytes->size;
    const int32_t back = (int32_t)(begin - names);
    put(bytes, &back, 4);
    for (int i = 0; i < count; i++) {
        if (!sizes[i]) continue;
        aligned(bytes, 0, sizes[i]);
        static const uint8_t zeroes[8];
        places[i] = bytes->size;
        heads[2 + i] = (uint16_t)(bytes->size - begin);
        put(bytes, zeroes, sizes[i]);
    }
    heads[1] = (uint16_t)(bytes->size - begin);
    set(bytes, names, heads, 4 + 2 * (uint64_t)count);
    return begin;
}

/* The table is what stands at `place` points to. Its first four bytes do not come first: its names do. */
static uint64_t table_at(Bytes *bytes, uint64_t place, const uint8_t *sizes, int count, uint64_t *places) {
    const uint64_t begin = table(bytes, sizes, count, places);
    const uint32_t distance = (uint32_t)(begin - place);
    set(bytes, place, &distance, 4);
    return begin;
}

static void vector_at(Bytes *bytes, uint64_t place, uint64_t count, uint64_t align) {
    aligned(bytes, 4, align);
    points_here(bytes, place);
    put_32(bytes, (uint32_t)count);
}

static void type_at(Bytes *bytes, uint64_t place, const Field *field) {
    uint64_t at[2];
    if (field->type == INT) {
        table_at(bytes, place, (const uint8_t[]){4, 1}, 2, at);
        const int32_t bits = field->bytes * 8;
        set(bytes, at[0], &bits, 4);
        set(bytes, at[1], &field->is_signed, 1);
    } else if (field->type == FLOAT) {
        table_at(bytes, place, (const uint8_t[]){2}, 1, at);
        const int16_t precision = field->bytes == 8 ? 2 : 1;
        set(bytes, at[0], &precision, 2);
    } else {
        table_at(bytes, place, (const uint8_t[]){0}, 0, at);
    }
}

static void schema_at(Bytes *bytes, uint64_t place, const Field *fields, uint64_t count) {
    uint64_t at[2];
    table_at(bytes, place, (const uint8_t[]){2, 4}, 2, at);
    vector_at(bytes, at[1], count, 4);
    const uint64_t list = bytes->size;
    for (uint64_t i = 0; i < count; i++) put_32(bytes, 0);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t of[6];                         /* name, nullable, the type's kind, the type, dictionary, children */
        table_at(bytes, list + 4 * i, (const uint8_t[]){4, 1, 1, 4, 0, 4}, 6, of);
        set(bytes, of[1], &fields[i].nullable, 1);
        set(bytes, of[2], &fields[i].type, 1);
        const uint64_t length = strlen(fields[i].name);
        vector_at(bytes, of[0], length, 4);
        put(bytes, fields[i].name, length + 1);
        type_at(bytes, of[3], &fields[i]);
        vector_at(bytes, of[5], 0, 4);
    }
}

/* A message's head up to its header, whose place is returned. */
static uint64_t message(Bytes *bytes, uint8_t kind, int64_t body) {
    uint64_t at[4];
    bytes->size = 0;
    put_32(bytes, 0);
    table_at(bytes, 0, (const uint8_t[]){2, 1, 4, 8}, 4, at);
    const int16_t version = VERSION;
    set(bytes, at[0], &version, 2);
    set(bytes, at[1], &kind, 1);
    set(bytes, at[3], &body, 8);
    return at[2];
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

struct Writing {
    int file, why;                              /* why: errno, where it could not be written */
    int64_t written;
    Field *fields;
    uint64_t columns;
    Bytes meta, body, plain, nodes, buffers, blocks;
};

static int write_all(Writing *to, const void *from, uint64_t size) {
    const uint8_t *at = from;
    to->written += (int64_t)size;
    while (size) {
        const ssize_t done = write(to->file, at, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            to->why = errno;
            return NOT_WRITTEN;
        }
        at += done;
        size -= (uint64_t)done;
    }
    return DONE;
}

/* Writes what is in `meta` as a message's, and how many bytes that took to `*size`. */
static int write_meta(Writing *to, int32_t *size) {
    aligned(&to->meta, 0, 8);
    if (to->meta.failed) return NO_MEMORY;
    const uint32_t head[2] = {0xFFFFFFFF, (uint32_t)to->meta.size};
    *size = (int32_t)(to->meta.size + 8);
    const int failed = write_all(to, head, 8);
    return failed ? failed : write_all(to, to->meta.at, to->meta.size);
}

/* One buffer of a batch: packed where it is smaller so, else as it is behind a length of -1. How many bytes it takes. */
static uint64_t buffer(Writing *to, const void *from, uint64_t size, int pack) {
    Bytes *body = &to->body;
    put_64(&to->buffers, (int64_t)body->size);
    uint64_t taken = 0;
    if (size) {
        const uint64_t begin = body->size;
        if (!has_room(body, 8 + frame_room(size) + 8)) return size;
        int64_t length = (int64_t)size;
        if (pack) taken = 8 + douane_squeeze(from, size, body->at + begin + 8);
        if (!pack || taken >= 8 + size) {
            length = -1;
            taken = 8 + size;
            memcpy(body->at + begin + 8, from, size);
        }
        memcpy(body->at + begin, &length, 8);
        body->size += taken;
        aligned(body, 0, 8);
    }
    put_64(&to->buffers, (int64_t)taken);
    return taken;
}

/* The text `view` is, to `out` where 16 bytes more than its own can be written. */
static inline void copy_text(uint8_t *out, const View *view, const uint8_t *const *texts) {
    const uint32_t length = view->length;
    if (LIKELY(length <= 12)) {
        memcpy(out, view->inlined, 12);
        return;
    }
    const uint8_t *from = texts[view->far.buffer] + view->far.offset;
    if (length <= 16) {
        memcpy(out, from, 8);
        memcpy(out + length - 8, from + length - 8, 8);
    } else if (length <= 32) {
        memcpy(out, from, 16);
        memcpy(out + length - 16, from + length - 16, 16);
    } else {
        memcpy(out, from, length);
    }
}

/* A bitmap's bits from `first` on -> `to->plain`; how many of them are 0. */
static uint64_t bits_of(Writing *to, const uint8_t *bits, uint64_t first, uint64_t rows) {
    uint64_t absent = 0;
    to->plain.size = 0;
    if (!has_room(&to->plain, rows / 8 + 1)) return 0;
    for (uint64_t row = 0; row < rows; row += 8) {
        uint8_t byte = 0;
        for (uint64_t bit = row; bit < rows && bit < row + 8; bit++)
            byte |= (uint8_t)((bits[(first + bit) / 8] >> (first + bit) % 8 & 1) << (bit - row));
        const uint64_t within = rows - row < 8 ? rows - row : 8;
        absent += within - (uint64_t)__builtin_popcount(byte);
        to->plain.at[to->plain.size++] = byte;
    }
    return absent;
}

static void texts_of(Writing *to, Field *field, const uint8_t *from, uint64_t size, uint64_t rows) {
    const uint64_t taken = buffer(to, from, size, !field->loose);
    field->loose |= taken > size - size / 4 && rows >= 1024; /* a few say little */
}

/* Texts that stand one behind the other already. */
static int column_of_offsets(Writing *to, const ArrowArray *array, Field *field, uint64_t first, uint64_t rows) {
    const uint32_t *stops = (const uint32_t *)array->buffers[1] + first;
    const uint64_t begin = stops[0], size = stops[rows] - begin;
    if (begin) {
        to->plain.size = 0;
        if (!has_room(&to->plain, 4 * (rows + 1))) return NO_MEMORY;
        uint32_t *moved = (uint32_t *)(void *)to->plain.at;
        for (uint64_t i = 0; i <= rows; i++) moved[i] = stops[i] - (uint32_t)begin;
        stops = moved;
    }
    buffer(to, stops, 4 * (rows + 1), size < rows); /* most are empty */
    texts_of(to, field, (const uint8_t *)array->buffers[2] + begin, size, rows);
    return DONE;
}

static int column(Writing *to, const ArrowArray *array, Field *field, uint64_t row, uint64_t rows) {
    const uint64_t first = (uint64_t)array->offset + row;
    uint64_t absent = 0;
    if (array->null_count && array->buffers[0] != NULL) absent = bits_of(to, array->buffers[0], first, rows);
    put_64(&to->nodes, (int64_t)rows);
    put_64(&to->nodes, (int64_t)absent);
    buffer(to, to->plain.at, absent ? to->plain.size : 0, 1);
    if (field->type == INT || field->type == FLOAT) {
        const uint8_t *numbers = array->buffers[1];
        buffer(to, numbers + first * field->bytes, rows * field->bytes, field->bytes != 4);
        return DONE;
    }
    if (field->type == BOOL) {
        bits_of(to, array->buffers[1], first, rows);
        buffer(to, to->plain.at, to->plain.size, 1);
        return DONE;
    }
    if (field->offsets) return column_of_offsets(to, array, field, first, rows);
    const View *views = (const View *)array->buffers[1] + first;
    const uint8_t *const *texts = (const uint8_t *const *)(array->buffers + 2);
    const uint8_t *bits = absent ? array->buffers[0] : NULL;
    uint64_t size = 0;
    to->plain.size = 0;
    if (!has_room(&to->plain, 4 * (rows + 1))) return NO_MEMORY;
    uint32_t *stops = (uint32_t *)(void *)to->plain.at;
    stops[0] = 0;
    for (uint64_t i = 0; i < rows; i++) {
        /* The view of what is absent may say anything. */
        if (bits == NULL || (bits[(first + i) / 8] >> (first + i) % 8 & 1)) size += views[i].length;
        if (UNLIKELY(size > INT32_MAX)) return NOT_OURS;
        stops[i + 1] = (uint32_t)size;
    }
    buffer(to, stops, 4 * (rows + 1), size < rows); /* most are empty */
    if (!has_room(&to->plain, 4 * (rows + 1) + size + 16)) return NO_MEMORY;
    stops = (uint32_t *)(void *)to->plain.at;
    uint8_t *whole = to->plain.at + 4 * (rows + 1);
    for (uint64_t i = 0; i < rows; i++)
        if (stops[i + 1] != stops[i]) copy_text(whole + stops[i], &views[i], texts);
    texts_of(to, field, whole, size, rows);
    return DONE;
}

int douane_part_column(Writing *to, uint64_t number, const ArrowArray *array, uint64_t rows) {
    return column(to, array, &to->fields[number], 0, rows);
}

void douane_part_open(Writing *to) { to->nodes.size = to->buffers.size = to->body.size = 0; }

int douane_part_close(Writing *to, uint64_t rows) {
    uint64_t buffers = 0;
    for (uint64_t i = 0; i < to->columns; i++)
        buffers += to->fields[i].type == BINARY || to->fields[i].type == UTF8 ? 3 : 2;
    if (to->nodes.failed || to->buffers.failed || to->body.failed || to->plain.failed) return NO_MEMORY;
    Bytes *meta = &to->meta;
    uint64_t at[4], packed[2];
    const uint64_t place = message(meta, RECORD_BATCH, (int64_t)to->body.size);
    table_at(meta, place, (const uint8_t[]){8, 4, 4, 4}, 4, at);
    set(meta, at[0], &rows, 8);
    vector_at(meta, at[1], to->columns, 8);
    put(meta, to->nodes.at, to->nodes.size);
    vector_at(meta, at[2], buffers, 8);
    put(meta, to->buffers.at, to->buffers.size);
    table_at(meta, at[3], (const uint8_t[]){1, 1}, 2, packed); /* LZ4 frames, buffer by buffer: both are 0 */
    Block block = {.offset = to->written, .body = (int64_t)to->body.size};
    int failed = write_meta(to, &block.meta);
    if (!failed) failed = write_all(to, to->body.at, to->body.size);
    put_64(&to->blocks, block.offset);
    put_64(&to->blocks, block.meta);
    put_64(&to->blocks, block.body);
    return to->blocks.failed ? NO_MEMORY : failed;
}

static int batch(Writing *to, const ArrowArray *array, uint64_t row, uint64_t rows) {
    douane_part_open(to);
    for (uint64_t i = 0; i < to->columns; i++) {
        const int failed = column(to, array->children[i], &to->fields[i], row, rows);
        if (failed) return failed;
    }
    return douane_part_close(to, rows);
}

static int write_head(Writing *to) {
    int32_t size;
    int failed = write_all(to, MAGIC, 8);
    schema_at(&to->meta, message(&to->meta, SCHEMA, 0), to->fields, to->columns);
    return failed ? failed : write_meta(to, &size);
}

static int write_foot(Writing *to) {
    static const uint32_t none[2] = {0xFFFFFFFF, 0};
    Bytes *meta = &to->meta;
    uint64_t at[4];
    meta->size = 0;
    put_32(meta, 0);
    table_at(meta, 0, (const uint8_t[]){2, 4, 4, 4}, 4, at);
    const int16_t version = VERSION;
    set(meta, at[0], &version, 2);
    schema_at(meta, at[1], to->fields, to->columns);
    vector_at(meta, at[2], 0, 8);
    vector_at(meta, at[3], to->blocks.size / 24, 8);
    put(meta, to->blocks.at, to->blocks.size);
    const uint32_t size = (uint32_t)meta->size;
    put_32(meta, size);
    put(meta, MAGIC, 6);
    if (meta->failed) return NO_MEMORY;
    const int failed = write_all(to, none, 8);
    return failed ? failed : write_all(to, meta->at, meta->size);
}

static int field_of(const ArrowSchema *schema, Field *field) {
    static const char KINDS[] = "cCsSiIlLfg";
    static const uint8_t BYTES[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    const char *format = schema->format, *found;
    field->name = schema->name;
    field->nullable = (schema->flags & 2) != 0;
    if (schema->dictionary != NULL) return NOT_OURS;
    if (strcmp(format, "vu") == 0) field->type = UTF8;
    else if (strcmp(format, "u") == 0) field->type = UTF8, field->offsets = 1;
    else if (strcmp(format, "vz") == 0) field->type = BINARY;
    else if (strcmp(format, "b") == 0) field->type = BOOL;
    else if (format[0] && !format[1] && (found = strchr(KINDS, format[0])) != NULL) {
        field->type = found - KINDS < 8 ? INT : FLOAT;
        field->bytes = BYTES[found - KINDS];
        field->is_signed = (found - KINDS) % 2 == 0;
    } else return NOT_OURS;
    return DONE;
}

static int write_batches(Writing *to, const ArrowArray *array, uint64_t batch_rows) {
    const uint64_t rows = (uint64_t)array->length;
    if ((uint64_t)array->n_children != to->columns || array->offset) return NOT_OURS;
    for (uint64_t row = 0; row < rows; row += batch_rows) {
        const int failed = batch(to, array, row, rows - row < batch_rows ? rows - row : batch_rows);
        if (failed) return failed;
    }
    return DONE;
}

Writing *douane_part_begin(const ArrowSchema *schema, int file, int *failed, int *why) {
    *failed = NO_MEMORY;
    if (strcmp(schema->format, "+s")) {
        *failed = NOT_OURS;
        return NULL;
    }
    Writing *to = calloc(1, sizeof *to);
    Field *fields = calloc((uint64_t)schema->n_children + 1, sizeof *fields);
    if (to == NULL || fields == NULL) {
        free(to);
        free(fields);
        return NULL;
    }
    *to = (Writing){.file = file, .columns = (uint64_t)schema->n_children, .fields = fields};
    *failed = DONE;
    for (uint64_t i = 0; !*failed && i < to->columns; i++) *failed = field_of(schema->children[i], &fields[i]);
    if (!*failed) *failed = write_head(to);
    if (!*failed) return to;
    douane_part_end(to, *failed, why);
    return NULL;
}

int douane_part_end(Writing *to, int failed, int *why) {
    if (!failed) failed = write_foot(to);
    if (failed == NOT_WRITTEN) *why = to->why;
    Bytes *const all[] = {&to->meta, &to->body, &to->plain, &to->nodes, &to->buffers, &to->blocks};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->at);
    free(to->fields);
    free(to);
    return failed;
}

/* Writes all of a table to an open file, in batches of so many rows. DONE; NOT_OURS: of a kind not known here, what was
 * written means nothing; NO_MEMORY; NOT_WRITTEN, `*why` = errno. */
EXPORT int douane_write_part(ArrowArrayStream *stream, int file, uint64_t batch_rows, int *why) {
    ArrowSchema schema;
    *why = 0;
    if (stream->get_schema(stream, &schema)) return NOT_OURS;
    int failed;
    Writing *to = douane_part_begin(&schema, file, &failed, why);
    while (!failed) {
        ArrowArray array;
        if (stream->get_next(stream, &array)) failed = NOT_OURS;
        else if (array.release == NULL) break;
        else {
            failed = write_batches(to, &array, batch_rows);
            array.release(&array);
        }
    }
    if (to != NULL) failed = douane_part_end(to, failed, why);
    if (schema.release != NULL) schema.release(&schema);
    return failed;
}
