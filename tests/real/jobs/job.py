"""What a Python program does with memory, in small: the same output on any heap."""
import collections
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import zlib


def words(count, seed):
    source = random.Random(seed)
    return ["".join(source.choices("abcdefgh", k=source.randint(1, 12))) for _ in range(count)]


def dictionaries(seed):
    table = collections.defaultdict(list)
    for number, word in enumerate(words(20000, seed)):
        table[word].append(number)
    for word in list(table)[::3]:
        del table[word]
    return hashlib.sha256(repr(sorted(table.items())).encode()).hexdigest()


def big_integers():
    value = 1
    for factor in range(1, 2500):
        value *= factor
    return hashlib.sha256(hex(pow(3, 20000) % (value + 1)).encode()).hexdigest()


def documents(seed):
    tree = {"rows": [{"id": i, "words": words(8, seed + i)} for i in range(1500)]}
    text = json.dumps(tree, sort_keys=True)
    again = json.loads(text)
    assert again == tree
    return zlib.crc32(zlib.compress(text.encode(), 6))


def texts(seed):
    text = " ".join(words(20000, seed))
    return len(re.findall(r"\b(a[b-d]*|h+g?)\b", text)), len(re.sub(r"(\w)\1", "_", text))


def in_threads():
    results = {}

    def body(number):
        results[number] = (dictionaries(number), documents(number), texts(number))

    threads = [threading.Thread(target=body, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results.items())


def in_child():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, dictionaries(77).encode())
        os._exit(0)
    os.close(writing)
    got = os.read(reading, 1000).decode()
    assert os.waitpid(child, 0)[1] == 0
    return got


def main():
    for line in in_threads():
        print(line)
    print(big_integers())
    background = threading.Thread(target=dictionaries, args=(5,))
    background.start()
    print(in_child())
    background.join()
    print(subprocess.run([sys.executable, "-c", "print(sum(range(10**6)))"],
                         capture_output=True, check=True).stdout)
    blocks = [bytearray(n * 1000) for n in range(2000)]
    random.Random(3).shuffle(blocks)
    del blocks[::2]
    print(sum(len(block) for block in blocks))


main()
