/* record.c: see record.h. Samples are taken four times a second; when there is no room for more,
 * every second one goes, and from then on they are taken half as often. */
#include "stress/hosted/record.h"

#include "stress/hosted/host.h"
#include "stress/lib/oracle.h"

#include <string.h>
#include <sys/mman.h>

#define SAMPLE_SECONDS 0.25

static struct st_record own; /* where there is no parent that watches */
static double           begun;

struct st_record *st_record = &own;

struct st_record *st_record_new(void)
{
    void *p =
        mmap(NULL, sizeof(*st_record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    st_record = p;
    return st_record;
}

void st_record_begin(void)
{
    begun = st_now();
    st_record->sample_every = SAMPLE_SECONDS;
    st_record->sample_count = 0;
}

double st_record_seconds(void)
{
    return st_now() - begun;
}

static struct st_sample sample_of(const struct st_counts *total)
{
    struct st_counts copy = *total;
    return (struct st_sample){ st_record_seconds(), st_count_read(&copy.operations),
                               st_count_read(&copy.preemptions), st_count_read(&copy.inside) };
}

void st_record_sample(const struct st_counts *total)
{
    struct st_record *record = st_record;
    struct st_sample  sample = sample_of(total);
    uint32_t          count = record->sample_count;

    if (count > 0 && sample.seconds < record->samples[count - 1].seconds + record->sample_every)
        return;
    if (count == ST_SAMPLES_MAX) {
        count /= 2;
        for (uint32_t i = 0; i < count; i++)
            record->samples[i] = record->samples[2 * i + 1];
        record->sample_every *= 2;
    }
    record->samples[count] = sample;
    record->sample_count = count + 1;
}

void st_record_end(const struct st_counts *total)
{
    st_record->total = *total;
    st_record->took = st_record_seconds();
    st_record->untracked = st_oracle_untracked();
    st_record->passed = true;
}

void st_record_failure(const char *text, size_t bytes)
{
    size_t length = st_record->failure_length;

    if (bytes > ST_FAILURE_BYTES - 1 - length)
        bytes = ST_FAILURE_BYTES - 1 - length;
    memcpy(st_record->failure + length, text, bytes);
    st_record->failure_length = length + bytes;
}

bool st_record_stopped(void)
{
    return atomic_load_explicit(&st_record->stop, memory_order_relaxed);
}
