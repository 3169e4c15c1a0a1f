/* Cells in long form, each with its place among some texts, as the columns of a frame. `sheet/formats/sheet_frame.py` says
 * what they become, and gathers the same without this file. */
#include "numbers.h"
#include "table.h"

enum { GIVEN_UP = -1, NO_MEMORY = -2 };
enum { NEAR_BITS = 12 };

typedef struct {
    uint64_t cells, rows, width;
    const uint32_t *row, *column, *at;          /* of each cell: its row, its column, which text it has */
    const uint8_t *kind;
    const int64_t *extent;                      /* of each row: so many of its cells are there, empty if nothing else */
    uint64_t data_bytes;                        /* of all cells' texts together */
    uint8_t *kinds;                             /* [column][row], all zero at first */
} Frame;

/* The texts as they come: some in each array. */
typedef struct {
    ArrowArray *arrays;
    uint64_t count, room, texts;
    uint64_t *first;                            /* of each array, its first text's number; and of the one behind the last */
    uint32_t *near;                             /* by a number's upper bits: an array at or before its own */
} Texts;

static void let_go(Texts *texts) {
    for (uint64_t i = 0; i < texts->count; i++) texts->arrays[i].release(&texts->arrays[i]);
    free(texts->arrays);
    free(texts->first);
    free(texts->near);
}

static int is_of_views(ArrowArrayStream *stream) {
    ArrowSchema schema;
    if (stream->get_schema(stream, &schema)) return 0;
    const int views = strcmp(schema.format, "vu") == 0;
    if (schema.release != NULL) schema.release(&schema);
    return views;
}

static int take_all(ArrowArrayStream *stream, Texts *texts) {
    for (;;) {
        ArrowArray array;
        if (stream->get_next(stream, &array)) return GIVEN_UP;
        if (array.release == NULL) break;
        if (texts->count == texts->room) {
            const uint64_t room = texts->room ? 2 * texts->room : 16;
            ArrowArray *more = realloc(texts->arrays, room * sizeof *more);
            if (more == NULL) {
                array.release(&array);
                return NO_MEMORY;
            }
            texts->arrays = more;
            texts->room = room;
        }
        texts->arrays[texts->count++] = array;
        texts->texts += (uint64_t)array.length;
        if (array.null_count) return GIVEN_UP;
    }
    if (texts->count > UINT32_MAX) return GIVEN_UP;
    texts->first = calloc(texts->count + 1, sizeof *texts->first);
    texts->near = calloc((texts->texts >> NEAR_BITS) + 1, sizeof *texts->near);
    if (texts->first == NULL || texts->near == NULL) return NO_MEMORY;
    uint64_t near = 0;
    for (uint64_t i = 0; i < texts->count; i++) {
        texts->first[i + 1] = texts->first[i] + (uint64_t)texts->arrays[i].length;
        for (; near << NEAR_BITS < texts->first[i + 1]; near++) texts->near[near] = (uint32_t)i;
    }
    return 0;
}

static inline const View *text_of(const Texts *texts, uint64_t number, const uint8_t **text) {
    uint64_t i = texts->near[number >> NEAR_BITS];
    while (number >= texts->first[i + 1]) i++;
    const ArrowArray *array = &texts->arrays[i];
    const View *view = (const View *)array->buffers[1] + array->offset + (number - texts->first[i]);
    *text = view->length <= sizeof view->inlined
                ? view->inlined
                : (const uint8_t *)array->buffers[2 + view->far.buffer] + view->far.offset;
    return view;
}

static int put_cells(const Frame *frame, const Texts *texts, Table *table) {
    for (uint64_t i = 0; i < frame->cells; i++) {
        const uint64_t row = frame->row[i], column = frame->column[i];
        if (row >= frame->rows || column >= frame->width || frame->at[i] >= texts->texts) return GIVEN_UP;
        const uint8_t *text;
        const View *view = text_of(texts, frame->at[i], &text);
        if (table->data_size + view->length > table->data_room) return GIVEN_UP;
        take_back(table, column, row);          /* the later of two stays */
        put_text(table, column, row, text, view->length);
        frame->kinds[column * frame->rows + row] = frame->kind[i];
    }
    return 0;
}

/* Where nothing is, though something is behind it, is an empty text. */
static int put_empty(Table *table, const int64_t *extents, uint64_t rows) {
    for (uint64_t row = 0; row < rows; row++) {
        if (extents[row] < 0) return GIVEN_UP;
        const uint64_t extent = (uint64_t)extents[row];
        for (uint64_t column = 0; column < table->width && column < extent; column++) {
            uint8_t *present = &table->present[column * table->present_bytes + row / 8];
            const uint8_t bit = (uint8_t)(1u << row % 8);
            table->filled[column] += !(*present & bit);
            *present |= bit;
        }
    }
    return 0;
}

/* The cells' texts, which are those of `stream`, as the columns of `array`, and their kinds. 0; GIVEN_UP: the texts are no
 * string views, or one is null, or a place is none; NO_MEMORY. */
EXPORT int douane_frame(ArrowArrayStream *stream, const Frame *frame, ArrowArray *array, ArrowSchema *schema) {
    if (!is_of_views(stream) || frame->data_bytes >= INT32_MAX) return GIVEN_UP;
    Texts texts = {0};
    int failed = take_all(stream, &texts);
    Table *table = failed ? NULL : douane_table(frame->width, frame->rows, frame->data_bytes + 16);
    if (table == NULL) failed = failed ? failed : NO_MEMORY;
    if (!failed) failed = put_cells(frame, &texts, table);
    if (!failed) failed = put_empty(table, frame->extent, frame->rows);
    if (!failed) failed = douane_table_columns(table, frame->rows, array, schema) ? NO_MEMORY : 0;
    if (table != NULL) douane_table_let_go(table);
    let_go(&texts);
    return failed;
}

/* ---- cells of binary workbooks: values become texts where they go -------------------------------------------- */

enum { VALUE_NUMBER, VALUE_SHARED, VALUE_TEXT };    /* as in binary_cells.py */
enum { KIND_TEXT, KIND_NUMBER };                /* as in formats/__init__.py */
enum { LEFT = 255 };
#define NOWHERE UINT32_MAX

/* `rows`, `width`: of the frame. What is not sure is left to others, who give its texts afterwards. */
typedef struct {
    uint64_t cells, rows, width;
    const uint32_t *row, *column;
    const uint8_t *type;
    const int32_t *style;
    const double *value;
    const uint32_t *place;                      /* of the shared texts in turn: which of the texts, or NOWHERE */
    uint64_t shared;
    const uint8_t *ways;                        /* of each cell format: 0 plain numbers, DATE to TIME, or LEFT */
    uint64_t formats, from_1904, beside_bytes;  /* the last: of texts that others give */
    uint8_t *kinds;                             /* [column][row]; these three all zero at first */
    int64_t *extent, *row_bytes;
    uint32_t *left;                             /* found: the cells that are left, with room for all */
    uint64_t lefts, longest;                    /* found; the last: bytes of the longest text */
} Book;

static void put_value(const Book *book, Table *table, uint64_t row, uint64_t column, const uint8_t *text, uint64_t size,
                      uint8_t kind) {
    take_back(table, column, row);
    put_text(table, column, row, text, size);
    book->kinds[column * book->rows + row] = kind;
    book->row_bytes[row] += (int64_t)size;
    if (book->extent[row] <= (int64_t)column) book->extent[row] = (int64_t)column + 1;
}

static inline int way_of(const Book *book, uint64_t i) {
    const int32_t style = book->style[i];
    return style >= 0 && (uint64_t)style < book->formats ? book->ways[style] : 0;
}

/* Bytes that their texts take at most; GIVEN_UP where a cell or a text is nowhere. */
static int64_t bytes_of(const Book *book, const Texts *texts) {
    uint64_t bytes = book->beside_bytes + NUMBER_TEXT_MAX, shared = 0;
    const uint8_t *text;
    for (uint64_t i = 0; i < book->cells; i++) {
        if (book->row[i] >= book->rows || book->column[i] >= book->width) return GIVEN_UP;
        if (book->type[i] != VALUE_SHARED) {
            bytes += NUMBER_TEXT_MAX;
            continue;
        }
        if (shared == book->shared) return GIVEN_UP;
        const uint32_t place = book->place[shared++];
        if (place == NOWHERE) bytes += NUMBER_TEXT_MAX;
        else if (place >= texts->texts) return GIVEN_UP;
        else bytes += text_of(texts, place, &text)->length;
    }
    return bytes < INT32_MAX ? (int64_t)bytes : GIVEN_UP;
}

static void put_values(Book *book, const Texts *texts, Table *table) {
    uint64_t shared = 0;
    for (uint64_t i = 0; i < book->cells; i++) {
        const uint8_t *text = table->data + table->data_size, *end = NULL;
        uint8_t kind = KIND_TEXT;
        if (book->type[i] == VALUE_SHARED) {
            const uint32_t place = book->place[shared++];
            if (LIKELY(place != NOWHERE)) {
                const uint64_t length = text_of(texts, place, &text)->length;
                end = text + length;
            }
        } else if (book->type[i] == VALUE_NUMBER) {
            const int way = way_of(book, i);
            uint8_t *const to = table->data + table->data_size;
            kind = KIND_NUMBER;
            if (way == 0) end = douane_decimal(to, book->value[i]);
            else if (way != LEFT) end = douane_moment(to, book->value[i], way, (int)book->from_1904, &kind);
        }
        if (end == NULL) {
            book->left[book->lefts++] = (uint32_t)i;
            continue;
        }
        const uint64_t size = (uint64_t)(end - text);
        if (size > book->longest) book->longest = size;
        if (size) put_value(book, table, book->row[i], book->column[i], text, size, kind);
    }
}

/* The cells whose texts are sure, in a table that `douane_book_end` takes; NULL: they are not for us. */
EXPORT Table *douane_book_begin(ArrowArrayStream *stream, Book *book) {
    if (!is_of_views(stream)) return NULL;
    Texts texts = {0};
    Table *table = NULL;
    book->lefts = book->longest = 0;
    if (!take_all(stream, &texts)) {
        const int64_t bytes = bytes_of(book, &texts);
        if (bytes >= 0) table = douane_table(book->width, book->rows, (uint64_t)bytes);
        if (table != NULL) put_values(book, &texts, table);
    }
    let_go(&texts);
    return table;
}

/* With the cells that were left, as others gave them: their texts are those of `stream`. 0; GIVEN_UP: they are no string
 * views, or too long, or a row has no cell at all; NO_MEMORY. */
EXPORT int douane_book_end(Table *table, ArrowArrayStream *stream, Book *book, const Frame *others, ArrowArray *array,
                           ArrowSchema *schema) {
    Texts texts = {0};
    int failed = is_of_views(stream) ? take_all(stream, &texts) : GIVEN_UP;
    for (uint64_t i = 0; !failed && i < others->cells; i++) {
        const uint64_t row = others->row[i], column = others->column[i];
        const uint8_t *text;
        failed = row >= book->rows || column >= book->width || others->at[i] >= texts.texts ? GIVEN_UP : 0;
        if (failed) break;
        const uint64_t size = text_of(&texts, others->at[i], &text)->length;
        if (table->data_size + size > table->data_room) failed = GIVEN_UP;
        else put_value(book, table, row, column, text, size, others->kind[i]);
        if (size > book->longest) book->longest = size;
    }
    for (uint64_t row = 0; !failed && row < book->rows; row++) failed = book->extent[row] ? 0 : GIVEN_UP;
    if (!failed) failed = put_empty(table, book->extent, book->rows);
    if (!failed) failed = douane_table_columns(table, book->rows, array, schema) ? NO_MEMORY : 0;
    douane_table_let_go(table);
    let_go(&texts);
    return failed;
}

/* What the rows up to each will take: `costs`. `sizes`: of the shared texts that are known, in so many bytes each. */
typedef struct {
    uint64_t cells, rows;
    const uint32_t *row;
    const uint8_t *type;
    const double *value;
    const void *sizes;
    uint64_t size_bytes, known;
    const int64_t *own;                         /* how long the cells' own texts are */
    uint64_t owns;
    int64_t number_bytes, cell_bytes, row_bytes;
    int64_t *costs;                             /* all zero at first */
    int64_t shared_bytes;                       /* found */
} Costs;

EXPORT int douane_row_costs(Costs *out) {
    out->shared_bytes = 0;
    for (uint64_t i = 0; i < out->cells; i++) {
        if (out->row[i] >= out->rows) return GIVEN_UP;
        int64_t size = out->number_bytes;
        if (out->type[i] == VALUE_SHARED || out->type[i] == VALUE_TEXT) {
            if (!(out->value[i] >= 0 && out->value[i] <= UINT32_MAX)) return GIVEN_UP;
            const uint64_t number = (uint64_t)out->value[i];
            if (out->type[i] == VALUE_TEXT) {
                if (number >= out->owns) return GIVEN_UP;
                size = out->own[number];
            } else {
                size = 0;
                if (number < out->known)
                    size = out->size_bytes == 2 ? ((const uint16_t *)out->sizes)[number] : ((const uint32_t *)out->sizes)[number];
                out->shared_bytes += size;
            }
        }
        out->costs[out->row[i]] += size + out->cell_bytes;
    }
    int64_t total = 0;
    for (uint64_t row = 0; row < out->rows; row++) out->costs[row] = total += out->costs[row] + out->row_bytes;
    return 0;
}
