/* The cells of binary workbooks (BIFF12) straight from their records. `sheet/formats/xlsb.py` says what they are; whatever
 * is damaged, or not in the order of rows and columns, is left to it. */
#include "table.h"

enum { GIVEN_UP = -1 };
enum { NUMBER, SHARED, TEXT, BOOLEAN, ERROR, BLANK, RK, RICH, NONE };   /* as in xlsb.py */
enum { ROW_RECORD = 0, BEGIN_DATA = 145, END_DATA = 146 };
enum { ROWS = 1048576, COLUMNS = 16384, ROW_RECORDS = 1 << 18 };

/* kind of record -> what its cell holds; with SHORT added where its column is not said. */
enum { SHORT = 0x10 };
static const uint8_t HELD[64] = {
    [0] = NONE, [1] = BLANK, [2] = RK, [3] = ERROR, [4] = BOOLEAN, [5] = NUMBER, [6] = TEXT, [7] = SHARED, [8] = TEXT,
    [9] = NUMBER, [10] = BOOLEAN, [11] = ERROR, [12] = SHORT | BLANK, [13] = SHORT | RK, [14] = SHORT | ERROR,
    [15] = SHORT | BOOLEAN, [16] = SHORT | NUMBER, [17] = SHORT | TEXT, [18] = SHORT | SHARED, [19 ... 61] = NONE,
    [62] = RICH, [63] = NONE,
};
static const uint8_t VALUE_BYTES[] = {[NUMBER] = 8, [SHARED] = 4, [TEXT] = 4, [BOOLEAN] = 1, [ERROR] = 1, [BLANK] = 0,
                                      [RK] = 4, [RICH] = 5};

/* Room for as many rows and cells as the bytes can hold. `begins`, `ends`: of each own text, where it stands. */
typedef struct {
    uint64_t rows_room, cells_room;
    int64_t last;                               /* the row before; found: the last one */
    uint64_t begun, ended;                      /* whether the cells have begun before; found: whether, and whether they end */
    uint32_t *lines;
    uint8_t *hidden;
    uint32_t *row, *column;
    uint8_t *type;
    int32_t *style;
    double *value;
    int64_t *begins, *ends;
    uint64_t rows, cells, texts;                /* found */
    uint64_t stop;                              /* found: where what is left begins */
} Cells;

typedef struct {
    int64_t row, column;                        /* -1: none yet */
    uint64_t hidden, shown, records;            /* `shown`: the row has cells, and so is the last of `lines` */
} Open;

static int cell_at(Cells *out, Open *open, const uint8_t *data, uint64_t at, uint64_t end, int held) {
    if (open->row < 0) return GIVEN_UP;
    const uint64_t head = held & SHORT ? 4 : 8;
    const int is_short = held & SHORT;
    held &= ~SHORT;
    if (end - at < head + VALUE_BYTES[held]) return GIVEN_UP;
    const int64_t before = open->column;
    open->column = is_short ? before + 1 : (int64_t)u32(data + at);
    if (held == BLANK) return 0;
    /* Out of order, or far away: blank ones may go there and back. */
    if (open->column >= COLUMNS) return GIVEN_UP;
    const uint64_t i = out->cells;
    if (open->shown && open->column <= (int64_t)out->column[i - 1]) return GIVEN_UP;
    if (i >= out->cells_room || out->rows >= out->rows_room) return GIVEN_UP;
    if (!open->shown) {
        out->lines[out->rows] = (uint32_t)open->row + 1;
        out->hidden[out->rows++] = (uint8_t)open->hidden;
        open->shown = 1;
    }
    const uint8_t *const value = data + at + head;
    out->row[i] = (uint32_t)out->rows - 1;
    out->column[i] = (uint32_t)open->column;
    out->style[i] = (int32_t)(u32(value - 4) & 0xFFFFFF);
    out->type[i] = (uint8_t)(held == RK ? NUMBER : held == RICH ? TEXT : held);
    switch (held) {
    case NUMBER: memcpy(&out->value[i], value, 8); break;
    case SHARED: out->value[i] = u32(value); break;
    case RK: out->value[i] = rk_number(u32(value)); break;
    case BOOLEAN: case ERROR: out->value[i] = *value; break;
    default:
        out->value[i] = (double)out->texts;
        out->begins[out->texts] = (int64_t)(at + head) + (held == RICH);
        out->ends[out->texts++] = (int64_t)end;
    }
    out->cells++;
    return 0;
}

static int row_at(Cells *out, Open *open, const uint8_t *body, uint64_t length) {
    if (length < 4) return GIVEN_UP;
    const int64_t row = u32(body);
    if (row >= ROWS || row <= (open->row < 0 ? out->last : open->row)) return GIVEN_UP;
    *open = (Open){.row = row, .column = -1, .hidden = length >= 12 && (body[11] & 0x10)};
    return 0;
}

/* The cells of the rows that are whole, up to the last one's beginning or where the cells end. 0, or GIVEN_UP. */
EXPORT int douane_cells_12(const uint8_t *data, uint64_t size, Cells *out) {
    uint64_t at = 0;
    Cells whole;                                /* as it was before the last row */
    Open open = {.row = -1, .column = -1};
    out->rows = out->cells = out->texts = out->stop = out->ended = 0;
    whole = *out;
    while (at < size) {
        const uint64_t start = at;
        uint32_t kind = data[at++], length = 0;
        if (kind >= 0x80) {
            if (at == size) break;
            kind = (kind & 0x7F) | (uint32_t)(data[at++] & 0x7F) << 7;
        }
        int more = 1;
        for (int shift = 0; more && at < size && shift <= 21; shift += 7) {
            length |= (uint32_t)(data[at] & 0x7F) << shift;
            more = data[at++] >= 0x80;
            if (shift == 21) more = 0;
        }
        if (more || length > size - at) break;
        const uint64_t end = at + length;
        if (!out->begun) {
            if (kind == BEGIN_DATA) out->begun = whole.begun = 1;
            whole.stop = end;
        } else if (kind == END_DATA) {
            out->last = open.row < 0 ? out->last : open.row;
            out->ended = 1;
            out->stop = start;
            return 0;
        } else if (kind == ROW_RECORD) {
            if (open.row >= 0) out->last = open.row;
            whole = *out;
            whole.stop = start;
            if (row_at(out, &open, data + at, length)) return GIVEN_UP;
        } else {
            const int held = kind < sizeof HELD ? HELD[kind] : NONE;
            if (++open.records > ROW_RECORDS) return GIVEN_UP;
            if (held != NONE && cell_at(out, &open, data, at, end, held)) return GIVEN_UP;
        }
        at = end;
    }
    *out = whole;
    return 0;
}
