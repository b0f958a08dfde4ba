// The work of the workload real-compiler: a translation unit with much of the standard library in it, and COPIES
// instantiations of templates around its containers.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

template <std::size_t Number> class Store {
public:
    struct Entry {
        std::string name;
        std::vector<int> values;
    };

    std::size_t add(int value)
    {
        auto entry = std::make_shared<Entry>(Entry{std::to_string(value + int(Number)), {value}});
        by_name[entry->name] = entry;
        by_value[value].insert(entry->name);
        std::vector<int> order(entry->values);
        std::sort(order.begin(), order.end(), [](int a, int b) { return a > b + int(Number); });
        return by_name.size() + by_value.size() + order.size();
    }

private:
    std::map<std::string, std::shared_ptr<Entry>> by_name;
    std::unordered_map<int, std::set<std::string>> by_value;
};

template <std::size_t... Numbers> std::size_t all(std::index_sequence<Numbers...>)
{
    std::size_t sizes[] = {Store<Numbers>().add(int(Numbers))...};
    return *std::max_element(std::begin(sizes), std::end(sizes));
}

int main()
{
    return int(all(std::make_index_sequence<COPIES>()));
}
