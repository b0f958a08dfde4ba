"""The work of the workload real-python: objects, dicts, lists, strings, JSON. Arguments: number of records, seed."""

import json
import random
import sys

COUNT = int(sys.argv[1])
RANDOM = random.Random(int(sys.argv[2]))
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["".join(RANDOM.choices(LETTERS, k=RANDOM.randrange(3, 12))) for _ in range(4000)]


class Record:
    """One of many small objects that point to each other."""

    def __init__(self, number):
        self.number = number
        self.tags = RANDOM.choices(WORDS, k=RANDOM.randrange(1, 6))
        self.place = (RANDOM.random(), RANDOM.random())

    def as_dict(self):
        return {"number": self.number, "tags": self.tags, "place": self.place, "text": "-".join(self.tags)}


def main():
    records = [Record(number) for number in range(COUNT)]
    text = json.dumps([record.as_dict() for record in records])
    read = json.loads(text)
    by_tag = {}
    for record in read:
        for tag in record["tags"]:
            by_tag.setdefault(tag, []).append(record["number"])
    order = sorted(by_tag.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    lines = [" ".join(RANDOM.choices(WORDS, k=10)) for _ in range(COUNT)]
    frequency = {}
    for line in lines:
        for word in line.split():
            frequency[word] = frequency.get(word, 0) + 1
    del records
    table = [{"key": number, "value": str(number) * 3} for number in range(2 * COUNT)]
    print(len(text), len(order), len(frequency), len(table))


main()
