/* Texts on their way into Arrow's string views, column by column. Long ones are copied into a buffer of the table's own,
 * so that nothing of what was read is held. `csv.c` points into what it reads, and has its own. */
#ifndef DOUANE_TABLE_H
#define DOUANE_TABLE_H

#include "kernel.h"

#include <stdatomic.h>

/* Views and bitmaps are all zero at first: an absent cell. Memory that is never touched is never there. */
typedef struct {
    atomic_long holders;                        /* columns that live, and who fills it */
    uint64_t width, room, present_bytes;        /* rows there is room for; of one column's bitmap */
    View *views;                                /* [column][row] */
    uint8_t *present;
    uint64_t *filled;                           /* cells that are there, a column */
    uint8_t *data;                              /* the long texts */
    uint64_t data_size, data_room, mapped;
} Table;

/* NULL: there is no memory. `data_room`: bytes of all long texts together; below INT32_MAX. */
Table *douane_table(uint64_t width, uint64_t room, uint64_t data_room);
void douane_table_let_go(Table *table);

/* The first `rows` rows as one struct of the columns c0, c1 ..., which hold the table. 0, or there is no memory. */
int douane_table_columns(Table *table, uint64_t rows, ArrowArray *array, ArrowSchema *schema);

static inline View *view_at(const Table *table, uint64_t column, uint64_t row) {
    return &table->views[column * table->room + row];
}

/* A cell that is not there yet. Long texts must have room; they may stand where they go. */
static inline void put_text(Table *table, uint64_t column, uint64_t row, const uint8_t *at, uint64_t length) {
    View *view = view_at(table, column, row);
    view->length = (uint32_t)length;
    if (length <= sizeof view->inlined) {
        for (uint64_t i = 0; i < length; i++) view->inlined[i] = at[i];
    } else {
        memcpy(view->far.prefix, at, sizeof view->far.prefix);
        view->far.buffer = 0;
        view->far.offset = (uint32_t)table->data_size;
        if (at != table->data + table->data_size) memcpy(table->data + table->data_size, at, length);
        table->data_size += length;
    }
    table->present[column * table->present_bytes + row / 8] |= (uint8_t)(1u << row % 8);
    table->filled[column]++;
}

static inline void take_back(Table *table, uint64_t column, uint64_t row) {
    uint8_t *present = &table->present[column * table->present_bytes + row / 8];
    const uint8_t bit = (uint8_t)(1u << row % 8);
    if (!(*present & bit)) return;
    *present &= (uint8_t)~bit;
    memset(view_at(table, column, row), 0, sizeof(View));
    table->filled[column]--;
}

#endif
