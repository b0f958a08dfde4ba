// plugin.cpp: a C++ library that plugin_host.c, a C program, opens locally at run time.
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {
int plugin_catches_bad_alloc(size_t bytes);
int plugin_handler_is_called(size_t bytes);
int plugin_works();
}

static int handler_calls;

static void handler()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

static bool fails(size_t bytes, size_t align)
{
    try {
        operator delete(operator new(bytes, std::align_val_t(align)), std::align_val_t(align));
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

int plugin_catches_bad_alloc(size_t bytes)
{
    try {
        operator delete(operator new(bytes));
    } catch (const std::bad_alloc &) {
        return fails(bytes, 64) && operator new(bytes, std::nothrow) == nullptr;
    }
    return 0;
}

int plugin_handler_is_called(size_t bytes)
{
    handler_calls = 0;
    std::set_new_handler(handler);
    return plugin_catches_bad_alloc(bytes) && handler_calls == 3;
}

int plugin_works()
{
    std::vector<std::string> words;
    for (int i = 0; i < 10000; i++)
        words.push_back(std::string(static_cast<size_t>(i % 100), 'p'));
    try {
        return words.at(words.size()).empty();
    } catch (const std::out_of_range &) {
        return 1;
    }
}
