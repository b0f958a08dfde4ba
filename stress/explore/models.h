/* models.h: the models of tests/model, run and told of like the scenarios. */
#ifndef STRESS_EXPLORE_MODELS_H
#define STRESS_EXPLORE_MODELS_H

#include "explore/report.h"

struct ex_model {
    const char *name;
    const char *about;
};

extern const struct ex_model ex_models[];
extern const size_t          ex_model_count;

bool ex_model_is_built(const struct ex_model *model);

/* Says on standard error what builds the models that are not there. */
void ex_model_say_missing(void);

/* Runs the model's program, and prints what came of it. */
enum ex_status ex_model_run(const struct ex_model *model, const struct ex_options *options);

#endif
