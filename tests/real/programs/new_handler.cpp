// new_handler.cpp: operator new in all its forms gives talus blocks; when memory is out the
// new-handler is called, as often as needed, and bad_alloc is thrown, or NULL returned for nothrow.
// Run with TALUS_OPTIONS=limit=67108864, so that it ends soon. D13.
#include "check.h"

#include <cstddef>
#include <new>
#include <string>
#include <vector>

namespace
{

struct alignas(256) Wide {
    char bytes[300];
};

template <class T> bool talus_and_aligned(T *block, size_t align)
{
    return is_talus_block(block) && (reinterpret_cast<uintptr_t>(block) & (align - 1)) == 0;
}

// The forms by their names, with whatever arguments the caller chooses.
template <class... Args> void *take(Args... args)
{
    return opaque(operator new(args...));
}

template <class... Args> void *take_array(Args... args)
{
    return opaque(operator new[](args...));
}

template <class... Args> void drop(void *block, Args... args)
{
    operator delete(block, args...);
}

template <class... Args> void drop_array(void *block, Args... args)
{
    operator delete[](block, args...);
}

using std::align_val_t;

void forms()
{
    int *one = new int(3);
    CHECK(talus_and_aligned(one, alignof(std::max_align_t)));
    delete one;
    std::string *many = new std::string[10];
    CHECK(is_talus_block(reinterpret_cast<char *>(many) - sizeof(size_t)) || is_talus_block(many));
    delete[] many;
    Wide *wide = new Wide;
    CHECK(talus_and_aligned(wide, 256));
    delete wide;
    wide = new Wide[3];
    CHECK(talus_and_aligned(wide, 256));
    delete[] wide;
    one = new (std::nothrow) int(4);
    CHECK(is_talus_block(one));
    drop(one, std::nothrow);
    char *chars = new (std::nothrow) char[100];
    CHECK(is_talus_block(chars));
    drop_array(chars, std::nothrow);
    wide = new (std::nothrow) Wide;
    CHECK(talus_and_aligned(wide, 256));
    drop(wide, align_val_t(256), std::nothrow);
    wide = new (std::nothrow) Wide[2];
    CHECK(talus_and_aligned(wide, 256));
    drop_array(wide, align_val_t(256), std::nothrow);
    void *block = take(50);
    drop(block, size_t(50));
    block = take_array(50);
    drop_array(block, size_t(50));
    block = take(50, align_val_t(64));
    CHECK(talus_and_aligned(block, 64));
    drop(block, size_t(50), align_val_t(64));
    block = take_array(50, align_val_t(64));
    drop_array(block, size_t(50), align_val_t(64));
    block = take(0);
    CHECK(is_talus_block(block));
    drop(block);
    block = take(40, align_val_t(64));
    drop(block, align_val_t(64));
    block = take_array(40, align_val_t(64));
    drop_array(block, align_val_t(64));
    drop(nullptr);
    drop_array(nullptr);
}

template <class Function> bool throws_bad_alloc(Function function)
{
    try {
        function();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

size_t too_much = size_t(PTRDIFF_MAX) / 2;

void without_handler()
{
    CHECK(std::get_new_handler() == nullptr);
    CHECK(throws_bad_alloc([] { take(too_much); }));
    CHECK(throws_bad_alloc([] { take_array(too_much); }));
    CHECK(throws_bad_alloc([] { take(too_much, align_val_t(128)); }));
    CHECK(throws_bad_alloc([] { take_array(too_much, align_val_t(128)); }));
    CHECK(take(too_much, std::nothrow) == nullptr);
    CHECK(take_array(too_much, std::nothrow) == nullptr);
    CHECK(take(too_much, align_val_t(128), std::nothrow) == nullptr);
    CHECK(take_array(too_much, align_val_t(128), std::nothrow) == nullptr);
    CHECK(throws_bad_alloc([] {
        std::vector<std::string> rows;
        for (;;) // up to the limit, with destructors run on the way out
            rows.emplace_back(10000, 'r');
    }));
    std::string after(1000000, 'a'); // and the heap works on
    CHECK(after.back() == 'a');
}

std::vector<void *> ballast;
int                 calls;

void free_some()
{
    calls++;
    if (ballast.empty())
        throw std::bad_alloc();
    for (int i = 0; i < 8 && !ballast.empty(); i++) {
        free(ballast.back());
        ballast.pop_back();
    }
}

void with_handler()
{
    ballast.reserve(100000);
    while (void *block = malloc(65536))
        ballast.push_back(block);
    CHECK(ballast.size() > 100 && ballast.size() < 1024);
    std::set_new_handler(free_some);
    char *block = new char[1000000]; // succeeds once the handler has freed enough
    CHECK(is_talus_block(block) && calls > 0);
    int before = calls;
    CHECK(throws_bad_alloc([] { take(too_much); })); // frees all, then throws
    CHECK(calls > before && ballast.empty());
    before = calls;
    CHECK(take(too_much, std::nothrow) == nullptr); // the throw is caught inside
    CHECK(take(too_much, align_val_t(64), std::nothrow) == nullptr);
    CHECK(calls >= before + 2);
    std::set_new_handler(nullptr);
    delete[] block;
}

} // namespace

int main()
{
    check_talus_in_force();
    alarm(60);
    forms();
    without_handler();
    with_handler();
    forms();
    return 0;
}
