/* Writing parts batch by batch: what `part.c` does for a whole table. */
#ifndef DOUANE_PART_H
#define DOUANE_PART_H

#include "kernel.h"

enum { DONE, NOT_OURS, NO_MEMORY, NOT_WRITTEN };

typedef struct Writing Writing;

/* Begins a file at an open descriptor, of columns as the schema has them, whose names must last until its end. Besides what a frame's
 * may be, texts may come with 32-bit offsets. NULL: `*failed` says why, and of NOT_WRITTEN `*why` its errno. */
Writing *douane_part_begin(const ArrowSchema *schema, int file, int *failed, int *why);

/* A batch: opened, each of its columns in their order, closed. */
void douane_part_open(Writing *to);
int douane_part_column(Writing *to, uint64_t number, const ArrowArray *array, uint64_t rows);
int douane_part_close(Writing *to, uint64_t rows);

/* Writes what is behind them, unless something `failed` so far, and lets go of all. DONE or what failed. */
int douane_part_end(Writing *to, int failed, int *why);

#endif
