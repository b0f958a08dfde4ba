"""The kill table: seeded bugs by layers, as tools/mutants prints it and docs/testing.md holds it."""

import mutant_layers

BEGIN, END = "<!-- kill table -->", "<!-- end of the kill table -->"
SHORT = {"not reached": "-", "order": "order", "not tried": ""}


def cell(found, is_claimed):
    if found is not None and found["killed"]:
        return f"**{found['cpu']:.1f}** {found['by']}"
    if is_claimed:
        return "claimed"
    return SHORT.get(found["why"], found["why"]) if found is not None else ""


def render(names, results, claims):
    """`results`: bug -> layer -> what was found; `claims`: bug -> layers that have a test of their own for it."""
    layers = list(mutant_layers.CLAIMS)
    rows = ["| bug | " + " | ".join(layers) + " |", "|---|" + "---|" * len(layers)]
    for name in names:
        cells = [cell(results.get(name, {}).get(layer), layer in claims.get(name, ())) for layer in layers]
        rows.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def problems_of(text, names):
    """What a document's kill table lacks: a row for each bug, and in it a layer that finds it."""
    if BEGIN not in text or END not in text:
        return ["holds no kill table"]
    rows = text.split(BEGIN)[1].split(END)[0].splitlines()
    problems = []
    for name in names:
        mine = [row for row in rows if row.startswith(f"| `{name}` |")]
        if len(mine) != 1:
            problems.append(f"the kill table has {len(mine)} rows for {name}")
        elif "**" not in mine[0] and "claimed" not in mine[0]:
            problems.append(f"the kill table knows no layer that finds {name}")
    return problems


def update(document, table, tried):
    """Puts `table` into the document; the rows of bugs that were not tried stay as they are."""
    with open(document, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    old = {row.split("`")[1]: row for row in rest.split(END)[0].splitlines() if row.startswith("| `")}
    rows = table.splitlines()
    rows[2:] = [row if row.split("`")[1] in tried else old.get(row.split("`")[1], row) for row in rows[2:]]
    table = "\n".join(rows)
    with open(document, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")
