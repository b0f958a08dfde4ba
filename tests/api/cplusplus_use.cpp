// Both public headers, as a C++ program includes them.
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <talus/talus.h>

#include <talus/heap.h>

namespace
{

struct block_free {
    void operator()(void *block) const
    {
        talus_free(block);
    }
};

template <typename T> struct heap_allocator {
    using value_type = T;
    talus_heap *heap;

    explicit heap_allocator(talus_heap *from) : heap(from)
    {
    }
    template <typename U> heap_allocator(const heap_allocator<U> &other) : heap(other.heap)
    {
    }
    T *allocate(std::size_t n)
    {
        return static_cast<T *>(talus_heap_alloc(heap, n * sizeof(T), alignof(T), "vector"));
    }
    void deallocate(T *block, std::size_t)
    {
        talus_heap_free(heap, block);
    }
    bool operator==(const heap_allocator &other) const
    {
        return heap == other.heap;
    }
    bool operator!=(const heap_allocator &other) const
    {
        return heap != other.heap;
    }
};

} // namespace

extern "C" int cplusplus_uses_default_heap(void);
extern "C" int cplusplus_uses_heap_instance(void);

int cplusplus_uses_default_heap(void)
{
    std::unique_ptr<void, block_free> block(talus_malloc(100));

    if (!block || talus_usable_size(block.get()) < 100)
        return 1;
    std::memset(block.get(), 1, 100);
    block.reset(talus_calloc(10, 10));
    return block && static_cast<char *>(block.get())[99] == 0 ? 0 : 2;
}

int cplusplus_uses_heap_instance(void)
{
    talus_heap_options options = {};
    talus_heap_stats_t stats;

    options.name = "vectors";
    talus_heap *heap = talus_heap_create(&options);
    if (heap == nullptr)
        return 1;
    {
        std::vector<int, heap_allocator<int>> numbers{ heap_allocator<int>(heap) };

        for (int i = 0; i < 100000; i++)
            numbers.push_back(i);
        for (int i = 0; i < 100000; i++)
            if (numbers[static_cast<std::size_t>(i)] != i)
                return 2;
        talus_heap_stats(heap, &stats);
        if (stats.allocated < 100000 * sizeof(int))
            return 3;
    }
    return talus_heap_destroy(heap) ? 0 : 4;
}
