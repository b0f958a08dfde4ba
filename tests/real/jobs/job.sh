# What a shell script does, in small: the same output and the same files on any heap.
set -eu
declare -A squares
for i in $(seq 1 3000); do
    squares[$i]=$((i * i))
done
text=
for i in $(seq 1 2000); do
    text+="${squares[$i]},"
done
echo "${#text} ${text:5000:60} $(cksum <<<"$text")"
list=(${text//,/ })
echo "${#list[@]} ${list[@]: -5}"

f() { local n=$1; if [ "$n" -le 1 ]; then echo 1; else echo $(($(f $((n - 1))) + 1)); fi; }
f 25

mkdir -p tree/{a,b,c}/{1,2,3}
for i in $(seq 1 27); do
    awk -v i="$i" 'BEGIN { for (l = 0; l < 2000; l++) print (l * i * 7919) % 10007, "word" l % 97, l }' \
        >"tree/$(printf 'abc' | cut -c$((i % 3 + 1)))/$((i % 9 / 3 + 1))/file$i"
done
find tree -type f | sort >list.txt
cat $(cat list.txt) | sort --parallel=4 -S 2M -k2,2 -k1,1n >sorted.txt
awk '{ n[$2] += $1; t[$2] = t[$2] substr($3, 1, 1) } END { for (w in n) print w, n[w], length(t[w]) }' \
    sorted.txt | sort >sums.txt
sed -E 's/word([0-9]+)/<\1>/g; s/^([0-9])([0-9]*)/\2\1/' sorted.txt | tail -n 1000 >edited.txt
grep -rcE 'word(1|2)[0-9] ' tree | sort >counts.txt
tar --sort=name --owner=0 --group=0 --mtime=@1600000000 -cf tree.tar tree
tar -tvf tree.tar | wc -l
mkdir out && tar -xf tree.tar -C out && diff -r tree out/tree && rm -rf out
(exit 3) || echo "subshell ended with $?"
echo done | { read -r word; echo "$word"; }
