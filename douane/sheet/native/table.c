/* A table's memory, and the table as Arrow's arrays. */
#include "table.h"

#include <sys/mman.h>

static uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

Table *douane_table(uint64_t width, uint64_t room, uint64_t data_room) {
    if (width == 0 || room == 0 || data_room >= INT32_MAX || width > UINT32_MAX || room > UINT32_MAX) return NULL;
    if (width * room > UINT64_MAX / 64) return NULL;
    Table *table = calloc(1, sizeof *table);
    if (table == NULL) return NULL;
    const uint64_t views = width * room * sizeof(View), present_bytes = aligned((room + 7) / 8);
    const uint64_t filled = aligned(width * sizeof *table->filled);
    table->mapped = filled + aligned(views) + width * present_bytes + data_room + 1;
    /* From the system and back to it, so that no heap keeps its room. */
    uint8_t *memory = mmap(NULL, table->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        free(table);
        return NULL;
    }
    atomic_store(&table->holders, 1);
    table->width = width;
    table->room = room;
    table->present_bytes = present_bytes;
    table->filled = (uint64_t *)memory;
    table->views = (View *)(memory + filled);
    table->present = memory + filled + aligned(views);
    table->data = table->present + width * present_bytes;
    table->data_room = data_room;
    return table;
}

void douane_table_let_go(Table *table) {
    if (atomic_fetch_sub(&table->holders, 1) != 1) return;
    munmap(table->filled, table->mapped);
    free(table);
}

typedef struct {
    Table *table;
    int64_t data_size;
    const void *buffers[4];
} Column;

static void release_column(ArrowArray *array) {
    Column *column = array->private_data;
    douane_table_let_go(column->table);
    free(column);
    array->release = NULL;
}

static void release_struct(ArrowArray *array) {
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

static int describe(ArrowSchema *schema, const char *format, const char *letter, uint64_t number) {
    char name[24], *to = name;
    if (*letter) {
        uint64_t power = 1;
        *to++ = *letter;
        while (number / power >= 10) power *= 10;
        for (; power; power /= 10) *to++ = (char)('0' + number / power % 10);
    }
    *to = 0;
    memset(schema, 0, sizeof *schema);
    schema->format = format;
    schema->name = strdup(name);
    schema->flags = 2;                          /* nullable */
    schema->release = release_schema;
    return schema->name == NULL;
}

static int column_of(Table *table, uint64_t rows, uint64_t number, ArrowArray *array, ArrowSchema *schema) {
    Column *column = calloc(1, sizeof *column);
    if (column == NULL) return 1;
    if (describe(schema, "vu", "c", number)) {
        free(column);
        return 1;
    }
    const uint64_t absent = rows - table->filled[number];
    atomic_fetch_add(&table->holders, 1);
    column->table = table;
    column->data_size = (int64_t)table->data_size;
    column->buffers[0] = absent ? table->present + number * table->present_bytes : NULL;
    column->buffers[1] = view_at(table, number, 0);
    column->buffers[2] = table->data;
    column->buffers[3] = &column->data_size;
    array->length = (int64_t)rows;
    array->null_count = (int64_t)absent;
    array->n_buffers = 4;
    array->buffers = column->buffers;
    array->release = release_column;
    array->private_data = column;
    return 0;
}

int douane_table_columns(Table *table, uint64_t rows, ArrowArray *array, ArrowSchema *schema) {
    int failed = describe(schema, "+s", "", 0);
    memset(array, 0, sizeof *array);
    array->length = (int64_t)rows;
    array->n_buffers = 1;
    array->release = release_struct;
    array->private_data = calloc(1, sizeof(void *));
    array->buffers = array->private_data;
    array->children = calloc(table->width, sizeof *array->children);
    schema->children = calloc(table->width, sizeof *schema->children);
    failed |= array->buffers == NULL || array->children == NULL || schema->children == NULL;
    for (uint64_t i = 0; !failed && i < table->width; i++) {
        ArrowArray *child = calloc(1, sizeof *child);
        ArrowSchema *field = calloc(1, sizeof *field);
        if (child == NULL || field == NULL || column_of(table, rows, i, child, field)) {
            if (field != NULL) free((void *)field->name);
            free(field);
            free(child);
            failed = 1;
            break;
        }
        schema->children[schema->n_children++] = field;
        array->children[array->n_children++] = child;
    }
    if (failed) {
        array->release(array);
        schema->release(schema);
    }
    return failed;
}
