// Many instances of the standard library's templates, for a compiler to chew on; and a small
// program of strings, maps and lists.
#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Level {
    using Key = std::tuple<int, std::string, std::pair<long, short>>;
    std::map<Key, std::vector<std::unique_ptr<std::string>>>       ordered;
    std::unordered_map<std::string, std::list<std::deque<double>>> hashed;
    std::set<std::variant<int, std::string, double>>               mixed;

    size_t use()
    {
        for (int i = 0; i < 20; i++) {
            std::string text = std::to_string(i * N);
            ordered[Key(i, text, { i, static_cast<short>(N) })].push_back(
                std::make_unique<std::string>(text));
            hashed[text].emplace_back(static_cast<size_t>(i), 1.5);
            mixed.insert(i % 2 == 0 ? std::variant<int, std::string, double>(i) : text);
        }
        std::function<size_t(size_t)> add = [this](size_t n) { return n + mixed.size(); };
        return add(ordered.size() + hashed.size()) + Level<N - 1>().use();
    }
};

template <> struct Level<0> {
    size_t use()
    {
        return 0;
    }
};

int main()
{
    std::cout << Level<10>().use() << "\n";
    std::istringstream                 words("the quick brown fox jumps over the lazy dog the end");
    std::multimap<std::string, size_t> places;
    std::string                        word;
    for (size_t at = 0; words >> word; at++)
        places.emplace(word, at);
    std::regex pattern("(t|q)(h|u)[a-z]+");
    for (const auto &entry : places)
        if (std::regex_match(entry.first, pattern))
            std::cout << entry.first << " " << entry.second << "\n";
    std::vector<int> numbers(100000);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::stable_sort(numbers.begin(), numbers.end(),
                     [](int a, int b) { return a * 7919 % 1009 < b * 7919 % 1009; });
    std::cout << numbers[0] << " " << numbers[50000] << " " << numbers.back() << "\n";
}
