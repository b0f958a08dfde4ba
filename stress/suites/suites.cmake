# talus_list_suites(names sources folders...): the suites in these folders of stress/, one for each file NAME.c, which defines
# st_suite_NAME. Sets `names`, and `sources` to their files and a list of them, which is made here: who links the list draws
# all of them in.
function(talus_list_suites names sources)
    set(files)
    foreach(folder IN LISTS ARGN)
        file(GLOB more CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/stress/${folder}/*.c)
        list(APPEND files ${more})
    endforeach()
    set(found)
    set(declared)
    set(listed)
    foreach(file IN LISTS files)
        get_filename_component(name ${file} NAME_WE)
        list(APPEND found ${name})
        string(APPEND declared "extern const struct st_suite st_suite_${name};\n")
        string(APPEND listed "    &st_suite_${name},\n")
    endforeach()
    set(list ${CMAKE_CURRENT_BINARY_DIR}/suite_list.c)
    file(GENERATE OUTPUT ${list} CONTENT "/* From stress/suites/suites.cmake. */
#include \"stress/suites/suite.h\"

${declared}
static const struct st_suite *const suites[] = {
${listed}};

const struct st_suite *st_suite_list(size_t i)
{
    return i < sizeof(suites) / sizeof(suites[0]) ? suites[i] : NULL;
}
")
    set(${names} ${found} PARENT_SCOPE)
    set(${sources} ${files} ${list} PARENT_SCOPE)
endfunction()
