// thread_local.cpp: thread_local objects with destructors that allocate and free, in threads that
// end before, after and without the heap's help; static objects that outlive main. D13.
#include "check.h"

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace
{

struct Holder {
    std::map<int, std::string>                map;
    std::unique_ptr<std::vector<std::string>> list{ new std::vector<std::string> };

    void use(int number)
    {
        for (int i = 0; i < 50; i++)
            map[i] = std::string(static_cast<size_t>(number % 500 + i), 'x');
        list->assign(20, std::string(100, 'y'));
    }

    ~Holder()
    {
        std::string last; // allocates while everything is being torn down
        for (auto &entry : map)
            last += entry.second;
        CHECK(list->size() == 0 || list->front().size() == 100);
        map.clear();
    }
};

thread_local Holder first;
thread_local Holder second;
Holder              global;

} // namespace

int main()
{
    check_talus_in_force();
    alarm(60);
    global.use(1);
    for (int round = 0; round < 200; round++) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; i++)
            threads.emplace_back([round, i] {
                first.use(round);
                if (i % 2 == 0)
                    second.use(round + i);
            });
        for (auto &thread : threads)
            thread.join();
    }
    first.use(3); // the main thread's own: destroyed at exit
    return 0;
}
