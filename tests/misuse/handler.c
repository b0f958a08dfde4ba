/* handler.c: what becomes of a report: the program's handler, or the default one as TALUS_OPTIONS
 * says (R45).
 *
 * With an argument this program is its own victim: it does one thing wrong, goes on and ends with
 * 0. */
#include <signal.h>

#include "lib/process.h"
#include "misuse/recorder.h"

static char *self;

static struct process_result run_victim(const char *options)
{
    char *const argv[] = { self, "victim", NULL };

    return process_run_program(argv, options);
}

static int victim(void)
{
    static char memory[16];
    void       *block;

    talus_free(opaque_pointer(memory));
    block = talus_malloc(100);
    if (block == NULL)
        return 1;
    talus_free(block);
    return 0;
}

static size_t lines_in(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* R45: by default: one line on standard error, and the program goes on. */
static void the_default_reports_and_goes_on(void **state)
{
    static const char *const options[] = { NULL, "", "misuse=report" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct process_result result = run_victim(options[i]);

        assert_int_equal(result.signal, 0);
        assert_int_equal(result.exit_code, 0);
        assert_int_equal(lines_in(result.output), 1);
        assert_non_null(strstr(result.output, "talus"));
    }
}

/* R45: misuse=abort: the report, and the end. */
static void abort_ends_the_program(void **state)
{
    struct process_result result = run_victim("misuse=abort");

    (void)state;
    assert_int_equal(result.signal, SIGABRT);
    assert_non_null(strstr(result.output, "talus"));
}

/* R45: misuse=ignore: not a word. */
static void ignore_says_nothing(void **state)
{
    struct process_result result = run_victim("misuse=ignore");

    (void)state;
    assert_int_equal(result.exit_code, 0);
    assert_string_equal(result.output, "");
}

/* R45: a misspelt option is reported with the nearest right one; the program runs. */
static void a_misspelt_option_is_reported(void **state)
{
    struct process_result name = run_victim("misuze=ignore,misuse=ignore");
    struct process_result value = run_victim("misuse=abotr");

    (void)state;
    assert_int_equal(name.exit_code, 0);
    assert_int_equal(lines_in(name.output), 1);
    assert_non_null(strstr(name.output, "misuze"));
    assert_non_null(strstr(name.output, "misuse"));
    assert_int_equal(value.signal, 0);
    assert_non_null(strstr(value.output, "abotr"));
}

static size_t other_calls;

static void other_handler(talus_misuse what, const void *pointer, const char *message)
{
    (void)what;
    (void)pointer;
    (void)message;
    other_calls++;
}

/* R45: handlers replace each other, each call returns the one before, NULL restores the default. */
static void handlers_replace_each_other(void **state)
{
    static char memory[16];

    (void)state;
    assert_ptr_equal(talus_set_misuse_handler(other_handler), record);
    talus_free(opaque_pointer(memory));
    assert_int_equal(other_calls, 1);
    assert_not_reported();
    assert_ptr_equal(talus_set_misuse_handler(record), other_handler);
    talus_free(opaque_pointer(memory));
    assert_int_equal(other_calls, 1);
    assert_reported(TALUS_MISUSE_FOREIGN_POINTER, memory);
    talus_set_misuse_handler(NULL);
    assert_true(talus_set_misuse_handler(record) != record);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        misuse_test(the_default_reports_and_goes_on),
        misuse_test(abort_ends_the_program),
        misuse_test(ignore_says_nothing),
        misuse_test(a_misspelt_option_is_reported),
        misuse_test(handlers_replace_each_other),
    };

    if (argc > 1)
        return victim();
    self = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
