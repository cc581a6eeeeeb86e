from nexusctl.change.reference import REFERENCE_FILE, reference
from nexusctl.change.rules import RULES
from nexusctl.workspace import PACKAGE


def test_reference_is_up_to_date() -> None:
    written = (PACKAGE.parent / REFERENCE_FILE).read_text("utf-8")
    assert written == reference(), "run: make generate"


def test_reference_tells_every_rule_in_one_row() -> None:
    text = reference()
    assert all(rule.says in text and rule.fact in text for rule in RULES)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)
