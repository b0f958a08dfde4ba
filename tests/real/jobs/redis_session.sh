# A session with a redis server; the arguments are the client command. Prints every reply that does not depend on time.
set -eu
client=("$@")

# Strings of many sizes, grown, cut and deleted; in one pipeline.
awk 'BEGIN { for (i = 0; i < 25000; i++) {
    s = sprintf("%0" (i * 7919 % 700 + 1) "d", i)
    print "SET key:" i % 9000, s
    if (i % 5 == 0) print "APPEND key:" i * 31 % 9000, s
    if (i % 7 == 0) print "DEL key:" i * 17 % 9000
    if (i % 11 == 0) print "SETRANGE key:" i % 9000, i % 3000, "x" i } }' |
    "${client[@]}" | sort | uniq -c
# Lists, hashes, sets, sorted sets, streams.
awk 'BEGIN { for (i = 0; i < 9000; i++) {
    print "RPUSH list:" i % 50, "element-" i
    print "HSET hash:" i % 40, "field" i % 900, "value-" i * i % 7919
    print "SADD set:" i % 30, i * 7919 % 5003
    print "ZADD zset:" i % 20, i * 31 % 1009, "member" i % 3000
    if (i % 50 == 0) print "XADD stream", i + 1 "-1", "f", "v" i
    if (i % 9 == 0) print "LPOP list:" i % 50 } }' | "${client[@]}" | cksum
"${client[@]}" SUNIONSTORE union set:1 set:2 set:3
"${client[@]}" ZUNIONSTORE zunion 3 zset:1 zset:2 zset:3
"${client[@]}" SORT list:3 ALPHA LIMIT 0 20
"${client[@]}" LRANGE list:7 0 30
"${client[@]}" ZREVRANGE zunion 0 30 WITHSCORES
"${client[@]}" HLEN hash:5
"${client[@]}" XLEN stream
"${client[@]}" EVAL "local t = {} for i = 1, 20000 do t[i] = i .. ':' .. string.rep('x', i % 50) end
    redis.call('SET', 'lua', table.concat(t, ',')) return #redis.call('GET', 'lua')" 0
"${client[@]}" DEBUG DIGEST 2>&1 || true
"${client[@]}" DBSIZE
# A forked child writes the dataset while the parent goes on changing it.
"${client[@]}" BGSAVE
awk 'BEGIN { for (i = 0; i < 8000; i++) print "SET during:" i % 3000, sprintf("%0" i % 500 + 1 "d", i) }' |
    "${client[@]}" | sort | uniq -c
for try in $(seq 1 200); do
    "${client[@]}" INFO persistence | grep -q 'rdb_bgsave_in_progress:1' || break
    sleep 0.05
done
"${client[@]}" INFO persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
"${client[@]}" DEBUG RELOAD 2>&1 || true
"${client[@]}" DBSIZE
"${client[@]}" KEYS 'during:2*' | sort | cksum
"${client[@]}" MGET during:1 during:20 key:3 key:4 key:5
"${client[@]}" FLUSHALL ASYNC
"${client[@]}" SET after flush
"${client[@]}" GET after
