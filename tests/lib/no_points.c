/* no_points.c: for tests of the core with its marked points, none of which they use. */
void tl_preempt_point(const char *name);

void tl_preempt_point(const char *name)
{
    (void)name;
}
