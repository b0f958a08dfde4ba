/* stress_junit.c: the file of `talus stress --junit`: a case for each suite, with its time, and
 * with the text of a failure and the line that repeats it. JUnit knows no interrupted cases: they
 * count as skipped ones. */
#include "stress/hosted/options.h"
#include "stress/hosted/results.h"
#include "tools/talus/text.h"

bool st_results_junit(const struct st_results *results, FILE *file)
{
    fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    fprintf(file,
            "<testsuite name=\"talus-stress\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
            "skipped=\"%zu\">\n",
            results->count, st_results_count(results, ST_OUTCOME_FAILED),
            st_results_count(results, ST_OUTCOME_ERROR),
            st_results_count(results, ST_OUTCOME_SKIPPED) +
                st_results_count(results, ST_OUTCOME_INTERRUPTED));
    for (size_t i = 0; i < results->count; i++) {
        const struct st_result *result = &results->suites[i];
        fprintf(file, "<testcase classname=\"");
        tl_text_xml(file, st_options.target_name);
        fprintf(file, "\" name=\"%s\" time=\"%.2f\">", result->suite->name, result->took);
        if (result->outcome == ST_OUTCOME_SKIPPED)
            fprintf(file, "<skipped message=\"the target has no %s\"/>", result->lacks);
        if (result->outcome == ST_OUTCOME_INTERRUPTED)
            fprintf(file, "<skipped message=\"interrupted, nothing found until then\"/>");
        if (result->outcome == ST_OUTCOME_FAILED || result->outcome == ST_OUTCOME_ERROR) {
            const char *tag = result->outcome == ST_OUTCOME_FAILED ? "failure" : "error";
            fprintf(file, "<%s type=\"%s\" message=\"again: ", tag, result->kind);
            tl_text_xml(file, result->record->replay);
            fprintf(file, "\">");
            tl_text_xml(file, result->record->failure);
            fprintf(file, "</%s>", tag);
        }
        fprintf(file, "</testcase>\n");
    }
    fprintf(file, "</testsuite>\n</testsuites>\n");
    return fflush(file) == 0 && ferror(file) == 0;
}
