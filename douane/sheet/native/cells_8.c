/* The records of a block of BIFF2 to 8, and its cells where they are of the plain kinds. `sheet/formats/biff.py` and `xls.py`
 * say what they are, and take apart all others. */
#include "kernel.h"

enum { GIVEN_UP = -1 };
/* As in biff.py. */
enum { OTHER, REAL, RK, MANY_RK, SHARED_TEXT, LABEL, TRUTH, FORMULA, INTEGER, ROW, COLUMNS, MERGED, RESULT_TEXT, FOLLOWING,
       BEGIN, END, CLASSES };
enum { NUMBER, SHARED, TEXT, BOOLEAN, ERROR };  /* as in binary_cells.py */
enum { ROWS = 65536 };

/* Room for all records. `table`: the class of each kind; `shortest`: how long a record of each class must be. */
typedef struct {
    const uint8_t *table;
    const int64_t *shortest;
    int64_t *starts, *lengths;
    uint16_t *kinds;
    uint8_t *classes;
    uint64_t stop;                              /* found: where the first one begins that is not whole */
    uint64_t turns, odd;                        /* found: how many begin or end a sheet; are too short, or of BIFF2 */
} Block;

static inline uint16_t u16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

EXPORT uint64_t douane_block_8(const uint8_t *data, uint64_t size, Block *out) {
    uint64_t at = 0, count = 0;
    douane_keep_freed();
    out->turns = out->odd = 0;
    while (size - at >= 4) {
        const uint16_t kind = u16(data + at);
        const uint64_t length = u16(data + at + 2);
        if (length > size - at - 4) break;
        const uint8_t class = out->table[kind];
        if (class >= CLASSES) return 0;
        out->starts[count] = (int64_t)at;
        out->lengths[count] = (int64_t)length;
        out->kinds[count] = kind;
        out->classes[count] = class;
        out->turns += class >= BEGIN;
        out->odd += (int64_t)length < out->shortest[class] || (kind <= 7 && kind != 6);
        at += 4 + length;
        count++;
    }
    out->stop = at;
    return count;
}

/* Of records found so, all of the plain layout and as long as they must be. */
typedef struct {
    uint64_t records;
    const int64_t *starts, *lengths;
    const uint8_t *classes;
    int64_t first_row, end_row;                 /* cells of other rows are passed over */
    uint64_t room;                              /* for cells */
    int64_t *row, *column;
    uint8_t *type;
    int32_t *style;
    double *value;
    uint64_t cells;                             /* found */
} Cells;

static inline int put(Cells *out, int64_t row, int64_t column, int type, uint16_t style, double value) {
    if (out->cells >= out->room) return GIVEN_UP;
    const uint64_t i = out->cells++;
    out->row[i] = row;
    out->column[i] = column;
    out->type[i] = (uint8_t)type;
    out->style[i] = style;
    out->value[i] = value;
    return 0;
}

static int cells_of(Cells *out, const uint8_t *at, int64_t length, int class) {
    const int64_t row = u16(at), column = u16(at + 2);
    if (row < out->first_row || row >= out->end_row) return 0;
    const uint16_t style = u16(at + 4);
    double number;
    switch (class) {
    case REAL:
        memcpy(&number, at + 6, 8);
        return put(out, row, column, NUMBER, style, number);
    case RK: return put(out, row, column, NUMBER, style, rk_number(u32(at + 6)));
    case MANY_RK:
        for (int64_t i = 0; i < (length - 6) / 6; i++)
            if (put(out, row, column + i, NUMBER, u16(at + 4 + 6 * i), rk_number(u32(at + 6 + 6 * i)))) return GIVEN_UP;
        return 0;
    case SHARED_TEXT: return put(out, row, column, SHARED, style, u32(at + 6));
    case TRUTH: return put(out, row, column, at[7] ? ERROR : BOOLEAN, style, at[6]);
    case FORMULA: {
        /* A result of 0 may be none, and others than numbers have their own forms. */
        uint64_t held;
        memcpy(&held, at + 6, 8);
        if (held == 0 || held >> 48 == 0xFFFF) return GIVEN_UP;
        memcpy(&number, at + 6, 8);
        return put(out, row, column, NUMBER, style, number);
    }
    default: return GIVEN_UP;
    }
}

static inline int is_cell(int class) { return class >= REAL && class <= INTEGER; }

/* Their cells in file order. 0; GIVEN_UP: some of them are not plain. */
EXPORT int douane_cells_8(const uint8_t *data, uint64_t size, Cells *out) {
    static const int64_t SHORTEST[CLASSES] = {[REAL] = 14, [RK] = 10, [MANY_RK] = 12, [SHARED_TEXT] = 10, [TRUTH] = 8,
                                              [FORMULA] = 14};
    out->cells = 0;
    for (uint64_t i = 0; i < out->records; i++) {
        const int class = out->classes[i];
        if (!is_cell(class)) continue;
        const int64_t start = out->starts[i], length = out->lengths[i];
        if (start < 0 || length < SHORTEST[class] || (uint64_t)start > size || (uint64_t)length + 4 > size - (uint64_t)start)
            return GIVEN_UP;
        const uint16_t kind = u16(data + start);
        if ((kind <= 7 && kind != 6) || SHORTEST[class] == 0) return GIVEN_UP;
        if (cells_of(out, data + start + 4, length, class)) return GIVEN_UP;
    }
    return 0;
}

/* What a sheet's first walk asks of every block. `bytes_of_row`, `hidden`: for all rows a sheet may have. */
typedef struct {
    uint64_t records;
    const int64_t *starts, *lengths;
    const uint8_t *classes;
    int64_t last;                               /* the row of the cell before; found: of the last one */
    uint64_t ordered;                           /* found: no cell stood in a row above the one before; 1 at first */
    int64_t *bytes_of_row;
    uint8_t *hidden;
} Scan;

/* 0; GIVEN_UP: a record is too short. */
EXPORT int douane_scan_8(const uint8_t *data, uint64_t size, Scan *out) {
    for (uint64_t i = 0; i < out->records; i++) {
        const int class = out->classes[i];
        if (class != ROW && !is_cell(class)) continue;
        const int64_t start = out->starts[i], length = out->lengths[i];
        if (start < 0 || length < (class == ROW ? 14 : 2) || (uint64_t)start > size ||
            (uint64_t)length + 4 > size - (uint64_t)start)
            return GIVEN_UP;
        const uint8_t *const at = data + start + 4;
        const int64_t row = u16(at);
        if (class == ROW) {
            out->hidden[row] = (at[12] & 0x20) != 0;
        } else {
            out->ordered &= row >= out->last;
            out->last = row;
            out->bytes_of_row[row] += length + 4;
        }
    }
    return 0;
}

/* Cells in file order, as `douane_cells_8` gives them, in rows. */
typedef struct {
    uint64_t cells, room;                       /* the latter: for rows */
    const int64_t *row, *column;
    uint32_t *place, *columns, *lines;          /* found: of each cell its row's place and its column; of each row its line */
    uint64_t rows;
} Rows;

/* 0; GIVEN_UP: they are not in the order of rows and columns, each place once. */
EXPORT int douane_in_rows(Rows *out) {
    out->rows = 0;
    for (uint64_t i = 0; i < out->cells; i++) {
        const int64_t row = out->row[i], column = out->column[i];
        const int new = i == 0 || row != out->row[i - 1];
        if (row < 0 || row >= UINT32_MAX || column < 0 || column > UINT32_MAX) return GIVEN_UP;
        if (i && (new ? row < out->row[i - 1] : column <= out->column[i - 1])) return GIVEN_UP;
        if (new) {
            if (out->rows == out->room) return GIVEN_UP;
            out->lines[out->rows++] = (uint32_t)row + 1;
        }
        out->place[i] = (uint32_t)(out->rows - 1);
        out->columns[i] = (uint32_t)column;
    }
    return 0;
}
