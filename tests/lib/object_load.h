/* object_load.h: threads that take and free objects of one cache and look whether each is whole,
 * and theirs alone: the same load for processes and for a kernel's heap. */
#ifndef TALUS_TESTS_OBJECT_LOAD_H
#define TALUS_TESTS_OBJECT_LOAD_H

#include <stdint.h>

#include <talus/object.h>

/* The load's objects: what the constructor writes is all of it, and any holder may write it anew.
 * */
extern const talus_object_type object_load_type;

/* Ends the process with a line on standard error when an object is not whole, has a second holder,
 * or is constructed or destroyed while it has one. The program defines it. */
void object_load_failed(const char *what);

/* Takes and frees `rounds` times, some objects at a time, and has none at the end. `seed` tells the
 * threads apart; not 0. */
void object_load(talus_object_cache *cache, uint64_t seed, unsigned rounds);

#endif
