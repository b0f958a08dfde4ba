"""The kill table: seeded bugs by layers, as tools/mutants prints it and docs/testing.md holds it."""

import re

import mutant_layers

BEGIN, END = "<!-- kill table -->", "<!-- end of the kill table -->"
SHORT = {"not reached": "-"}
CELL = r"-|order|\d+ tests?|\d+ s|\*\*\d+\.\d\*\* [\w.-]+( \(hangs\))?|[\w.-]+ does not find it"  # what cell() may say


def cell(found):
    if found is None:
        return ""
    if found["killed"]:
        return f"**{found['cpu']:.1f}** {found['by']}" + (" (hangs)" if found["how"] == "hangs" else "")
    return SHORT.get(found["why"], found["why"])


def render(names, results, old=None):
    """`results`: bug -> layer -> what was found; `old`: bug -> layer -> the cell where nothing was tried now."""
    layers = [layer.name for layer in mutant_layers.LAYERS]
    rows = ["| bug | " + " | ".join(layers) + " |", "|---|" + "---|" * len(layers)]
    for name in names:
        mine, before = results.get(name, {}), (old or {}).get(name, {})
        cells = [cell(mine[layer]) if layer in mine else before.get(layer, "") for layer in layers]
        rows.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def conditions(results):
    """On what machine the results were taken, and with what budgets."""
    places = sorted({one["on"] for layers in results.values() for one in layers.values() if "on" in one})
    return f"Taken by `talus stress --mutants` on {'; '.join(places)}."


def problems_of(text, names):
    """What a document's kill table lacks: a row for each bug, a layer in it that finds it, and no cell left open."""
    if BEGIN not in text or END not in text:
        return ["holds no kill table"]
    rows = text.split(BEGIN)[1].split(END)[0].splitlines()
    problems = []
    for name in names:
        mine = [row for row in rows if row.startswith(f"| `{name}` |")]
        if len(mine) != 1:
            problems.append(f"the kill table has {len(mine)} rows for {name}")
        elif "**" not in mine[0]:
            problems.append(f"the kill table knows no layer that finds {name}")
        elif not all(re.fullmatch(CELL, text) for text in cells_of(mine[0])[1:]):
            problems.append(f"the kill table has layers that were not measured with {name}")
        elif len(cells_of(mine[0])) != len(cells_of(rows[1])):
            problems.append(f"the kill table has other layers with {name} than above it")
    return problems


def cells_of(row):
    return [text.strip() for text in row.strip().strip("|").split("|")]


def written(text):
    """The cells of a document's table: bug -> layer -> text."""
    rows = [cells_of(row) for row in text.split(BEGIN)[1].split(END)[0].splitlines() if row.startswith("|")]
    return {row[0].strip("`"): dict(zip(rows[0][1:], row[1:])) for row in rows[2:]}


def differences(document, results):
    """Which results say otherwise than the document whether a layer finds a bug: (bug, layer, cell of the document)."""
    with open(document, encoding="utf-8") as file:
        old = written(file.read())
    for name, layers in results.items():
        for layer, found in layers.items():
            before = old.get(name, {}).get(layer)
            if before is not None and before.startswith("**") != found["killed"]:
                yield name, layer, before


def update(document, names, results):
    """Puts the results into the document's table; cells of what was not tried stay as they are."""
    with open(document, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    old = written(text)
    with open(document, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n{render(names, results, old)}\n{END}{rest.split(END)[1]}")
