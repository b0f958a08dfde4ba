/* patience.h: how long somebody has waited in vain. Not the difference of two times: who was
 * stopped himself meanwhile (Ctrl-Z), or had no CPU, did not wait, so each look counts for
 * ST_LOOK_SECONDS_MAX at most. */
#ifndef STRESS_HOSTED_PATIENCE_H
#define STRESS_HOSTED_PATIENCE_H

#include "stress/hosted/host.h"

#define ST_LOOK_SECONDS_MAX 0.25

/* Of one thread. */
struct st_patience {
    double waited; /* seconds */
    double looked;
};

static inline void st_patience_begin(struct st_patience *patience)
{
    *patience = (struct st_patience){ 0, st_now() };
}

/* To be called more often than ST_LOOK_SECONDS_MAX; returns the seconds since the beginning. */
static inline double st_patience_look(struct st_patience *patience)
{
    double now = st_now(), since = now - patience->looked;

    patience->looked = now;
    patience->waited += since < ST_LOOK_SECONDS_MAX ? since : ST_LOOK_SECONDS_MAX;
    return patience->waited;
}

#endif
