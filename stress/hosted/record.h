/* record.h: what a suite leaves behind, whatever becomes of its process: memory that the child that
 * runs it and the parent that watches it share. */
#ifndef STRESS_HOSTED_RECORD_H
#define STRESS_HOSTED_RECORD_H

#include "stress/lib/worker.h"

#include <stdbool.h>

#define ST_SAMPLES_MAX   256u
#define ST_REPLAY_BYTES  2048u
#define ST_FAILURE_BYTES 16384u

/* Totals at one moment of a suite. */
struct st_sample {
    double   seconds; /* since the suite began */
    uint64_t operations, preemptions, inside;
};

/* But for `stop`, the child writes and the parent reads when the child has ended. */
struct st_record {
    char             replay[ST_REPLAY_BYTES]; /* constant while the suite runs */
    _Atomic bool     stop;                    /* by the parent: come to an end */
    bool             passed;
    double           took; /* seconds */
    struct st_counts total;
    struct st_sample samples[ST_SAMPLES_MAX]; /* in the order of time */
    uint32_t         sample_count;
    double           sample_every;
    char             failure[ST_FAILURE_BYTES]; /* what is said about it; "": nothing */
    size_t           failure_length;
    size_t           untracked; /* granules outside of the oracle's shadow */
};

/* Of the suite that runs; never NULL. */
extern struct st_record *st_record;

/* A fresh one, shared with the children to come; NULL: no memory. Becomes st_record. */
struct st_record *st_record_new(void);

/* By the child that runs the suite: its beginning; now and then; its end. */
void   st_record_begin(void);
double st_record_seconds(void); /* since its beginning */
void   st_record_sample(const struct st_counts *total);
void   st_record_end(const struct st_counts *total);

/* Adds to the failure's text. Context: any; the one that reports. */
void st_record_failure(const char *text, size_t bytes);

/* Whether the suite is to come to an end before its time. */
bool st_record_stopped(void);

#endif
