/* Cells in long form, each with its place among some texts, as the columns of a frame. `sheet/formats/sheet_frame.py` says
 * what they become, and gathers the same without this file. */
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
static int put_empty(const Frame *frame, Table *table) {
    for (uint64_t row = 0; row < frame->rows; row++) {
        if (frame->extent[row] < 0) return GIVEN_UP;
        const uint64_t extent = (uint64_t)frame->extent[row];
        for (uint64_t column = 0; column < frame->width && column < extent; column++) {
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
    if (!failed) failed = put_empty(frame, table);
    if (!failed) failed = douane_table_columns(table, frame->rows, array, schema) ? NO_MEMORY : 0;
    if (table != NULL) douane_table_let_go(table);
    let_go(&texts);
    return failed;
}
