#!/bin/bash
# git on talus: a repository made on the spot, clone, merge, blame, threaded repack, gc, fsck.
# Packs that several threads write may differ from run to run on any heap, so their contents are compared, not their bytes.
. "$(dirname "$0")/lib.sh"
need git git
need awk mawk

git_job() {
    local here=$PWD
    repositories=$(mktemp -d "$work/git.XXXXXX")
    cd "$repositories"
    export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME=$repositories
    export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@d
    git init -q -b main first && cd first || return 1
    git config gc.auto 0
    git config pack.threads 4
    local commit
    for commit in $(seq 1 40); do
        export GIT_AUTHOR_DATE="$((1600000000 + commit)) +0000"
        export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
        awk -v c="$commit" 'BEGIN { for (f = c; f < c + 12; f++) for (l = 0; l < 300; l++)
            print (l * f * 31 + (l % 50 == c ? c : 0)) % 9973, "line", l > "file" f % 60 ".txt" }'
        git add -A && git commit -q -m "change $commit" || return 1
        if [ $((commit % 10)) = 0 ]; then
            git checkout -q -b "side$commit" && echo "side $commit" >"side$commit" &&
                git add -A && git commit -q -m "side $commit" && git checkout -q main &&
                git merge -q --no-ff -m "merge $commit" "side$commit" || return 1
        fi
    done
    git log --stat --graph | cksum
    git log -p -M | cksum
    git blame file20.txt | cksum
    git grep -c 'line 29' | cksum
    cd .. && git clone -q --no-local first second && cd second || return 1
    git repack -adfq --depth=50 --window=50 --threads=4
    git gc -q --prune=now && git fsck --full --strict || return 1
    git rev-list --objects --all | sort | cksum
    git cat-file --batch-all-objects --batch | cksum
    git archive main | cksum
    cd "$here" && rm -rf "$repositories"
}

in_force git --version
compare git_job
