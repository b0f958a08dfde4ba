/* stress_json.c: what `talus stress --json` prints, an object for each suite, a line each. */
#include "stress/hosted/options.h"
#include "stress/hosted/results.h"
#include "tools/talus/text.h"

#include <inttypes.h>

static void print_json_text(const char *key, const char *text)
{
    printf(",\"%s\":", key);
    tl_text_json(stdout, text);
}

static void print_json_counts(const struct st_record *record)
{
    struct st_counts n = record->total;

    printf(",\"operations\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"remote\":%" PRIu64
           ",\"refused\":%" PRIu64 ",\"threads_started\":%" PRIu64 ",\"preemptions\":%" PRIu64
           ",\"preemptions_inside\":%" PRIu64 ",\"yields\":%" PRIu64
           ",\"overlaps\":0,\"untracked\":%zu",
           st_count_read(&n.operations), st_count_read(&n.blocks), st_count_read(&n.remote),
           st_count_read(&n.refused), st_count_read(&n.threads), st_count_read(&n.preemptions),
           st_count_read(&n.inside), st_count_read(&n.yields), record->untracked);
}

void st_result_json(const struct st_result *result)
{
    printf("{\"suite\":\"%s\"", result->suite->name);
    print_json_text("target", st_options.target_name);
    printf(",\"result\":\"%s\",\"seed\":%" PRIu64
           ",\"threads\":%u,\"preempt\":\"%s\",\"seconds\":%.3f",
           st_outcome_name(result->outcome), st_options.seed, st_options.threads,
           st_preempt_name(st_options.preempt.modes), result->took);
    if (result->lacks != NULL)
        print_json_text("lacks", result->lacks);
    else
        printf(",\"began\":%.3f", result->began);
    if (result->kind[0] != '\0')
        print_json_text("kind", result->kind);
    if (result->record != NULL) {
        print_json_text("replay", result->record->replay);
        if (result->record->passed)
            print_json_counts(result->record);
        if (result->record->failure[0] != '\0')
            print_json_text("failure", result->record->failure);
    }
    printf("}\n");
    fflush(stdout);
}
