/* seqcount.cpp: sync/seqcount.h under relacy. R30: a reader never gets words of two different
 * writes. */
#include "sync/seqcount.h"
#include "model.h"

struct seqcount_test : rl::test_suite<seqcount_test, 3> {
    enum { preemptions_max = 2 };

    struct tl_seqcount count;
    tl_atomic_word     low;
    tl_atomic_word     high;

    void write(uintptr_t value)
    {
        tl_seqcount_write_begin(&count);
        tl_seqcount_put(&low, value);
        tl_seqcount_put(&high, value + 100);
        tl_seqcount_write_end(&count);
    }

    void before()
    {
        write(1);
    }

    void thread(unsigned index)
    {
        uintptr_t a;
        uintptr_t b;
        uint32_t  sequence;

        if (index == 0) {
            write(2);
            write(3);
            return;
        }
        do {
            sequence = tl_seqcount_read_begin(&count);
            a = tl_seqcount_get(&low);
            b = tl_seqcount_get(&high);
        } while (tl_seqcount_read_retry(&count, sequence));
        RL_ASSERT(b == a + 100);
    }
};

int main(int argc, char **argv)
{
    return model_main<seqcount_test>(argc, argv);
}
