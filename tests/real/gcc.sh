#!/bin/bash
# gcc and g++ on talus: a large generated C file and a file heavy with templates give the same object code.
. "$(dirname "$0")/lib.sh"
need gcc gcc
need g++ g++
need awk mawk
jobs=$(realpath "$(dirname "$0")/jobs")

gcc_job() {
    awk 'BEGIN {
        print "#include <stdio.h>\n#include <string.h>\nstruct s { int a, b; char *t; double d[8]; };"
        for (i = 0; i < 300; i++) {
            printf "static __attribute__((noinline)) int f%d(struct s *p, int n)\n{\n    int x = %d;\n", i, i
            printf "    for (int i = 0; i < n; i++) {\n        x = x * %d + p->a;\n", i * 7 + 3
            printf "        switch ((x + i) %% 7) {\n"
            for (c = 0; c < 7; c++)
                printf "        case %d: p->b ^= x << %d; p->d[%d] += x * %d.5; break;\n", c, c + 1, c, i + c
            printf "        }\n    }\n    return x + (int)strlen(p->t) + %s;\n}\n",
                   (i > 0 ? "f" (i - 1) "(p, n - 1)" : "0")
        }
        print "int all(struct s *p);\nint all(struct s *p)\n{\n    return f299(p, 299);\n}"
    }' >large.c
    gcc -O2 -g "-fdebug-prefix-map=$PWD=." -c large.c -o large.o && nm large.o | cksum
}

gxx_job() {
    cp "$jobs/templates.cpp" . && g++ -std=c++17 -O1 -c templates.cpp -o templates.o &&
        g++ templates.o -o templates && ./templates
}

in_force gcc --version
in_force "$(gcc -print-prog-name=cc1)" --version
in_force "$(g++ -print-prog-name=cc1plus)" --version
compare gcc_job
compare gxx_job
