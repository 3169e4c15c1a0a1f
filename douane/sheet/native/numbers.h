/* Numbers of workbooks as text; `numbers.c`. */
#ifndef DOUANE_NUMBERS_H
#define DOUANE_NUMBERS_H

#include <stdint.h>

enum { NUMBER_TEXT_MAX = 32 };                  /* bytes there must be room for */

/* Writes a number's shortest exact decimal; where it ends. NULL: it is not sure. */
uint8_t *douane_decimal(uint8_t *to, double number);

/* The same of a day number as a moment; `meaning`: DATE to TIME of `number_formats.py`. */
uint8_t *douane_moment(uint8_t *to, double number, int meaning, int from_1904, uint8_t *kind);

#endif
