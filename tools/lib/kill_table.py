"""The kill table: seeded bugs by layers, as tools/mutants prints it and docs/testing.md holds it."""

import mutant_layers

BEGIN, END = "<!-- kill table: tools/mutants --update -->", "<!-- end of the kill table -->"
SHORT = {"not reached": "-", "order": "order", "not tried": "."}


def cell(found):
    if found is None:
        return "."
    if found["killed"]:
        return f"**{found['cpu']:.1f}** {found['by']}"
    return SHORT.get(found["why"], f"no ({found['why']})")


def render(names, results):
    layers = [layer.name for layer in mutant_layers.LAYERS if any(layer.name in results.get(name, {}) for name in names)]
    rows = ["| bug | " + " | ".join(layers) + " |", "|---|" + "---|" * len(layers)]
    for name in names:
        rows.append(f"| `{name}` | " + " | ".join(cell(results.get(name, {}).get(layer)) for layer in layers) + " |")
    return "\n".join(rows)


def problems_of(text, names, results):
    """What a document that holds the table lacks."""
    if BEGIN not in text or END not in text:
        return ["holds no kill table"]
    table = text.split(BEGIN)[1].split(END)[0]
    problems = [] if table.strip() == render(names, results) else ["is not the table of the results: tools/mutants --update"]
    for name in names:
        if not any(found["killed"] for found in results.get(name, {}).values()):
            problems.append(f"no layer finds {name}")
    return problems


def check(document, names, results):
    with open(document, encoding="utf-8") as file:
        problems = problems_of(file.read(), names, results)
    for problem in problems:
        print(f"{document}: {problem}")
    return 1 if problems else 0


def update(document, names, results):
    with open(document, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    text = head + BEGIN + "\n" + render(names, results) + "\n" + END + rest.split(END)[1]
    with open(document, "w", encoding="utf-8") as file:
        file.write(text)
    return check(document, names, results)
