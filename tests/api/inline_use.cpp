// talus/inline.h, as a C++ program includes it.
#include <talus/inline.h>

#include <cstring>
#include <list>

namespace
{

template <typename T> struct inline_allocator {
    using value_type = T;

    inline_allocator() = default;
    template <typename U> inline_allocator(const inline_allocator<U> &)
    {
    }
    T *allocate(std::size_t n)
    {
        return static_cast<T *>(talus_malloc_inline(n * sizeof(T)));
    }
    void deallocate(T *block, std::size_t)
    {
        talus_free_inline(block);
    }
    bool operator==(const inline_allocator &) const
    {
        return true;
    }
    bool operator!=(const inline_allocator &) const
    {
        return false;
    }
};

} // namespace

extern "C" int inline_in_cplusplus(void);

int inline_in_cplusplus(void)
{
    std::list<int, inline_allocator<int>> numbers;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10000; i++)
            numbers.push_back(i);
        int next = 0;
        for (int number : numbers)
            if (number != next++)
                return 1;
        numbers.clear();
    }
    void *block = talus_malloc_inline(100);
    if (block == nullptr || talus_usable_size(block) != talus_good_size(100))
        return 2;
    std::memset(block, 1, 100);
    talus_free(block);
    return 0;
}
