"""Errors that a user can fix."""

import pickle

import pytest

from mscnn.errors import DataErrors, Issue, UserError


def test_an_error_has_a_code_beside_its_message():
    error = UserError("no such file", code="file-missing")
    assert (error.code, str(error)) == ("file-missing", "no such file")


def test_issues_are_listed_one_per_line_up_to_a_number_of_each_kind():
    issues = [Issue("key-twice", f"line {n}") for n in range(4)] + [Issue("key-unknown", "line 9")]
    error = DataErrors("5 issues:", issues, 2, code="table-invalid")
    assert str(error).split("\n") == [
        "5 issues:",
        *("  line 0", "  line 1", "  … and 2 more of key-twice", "  line 9"),
    ]
    assert error.code == "table-invalid" and len(error.issues) == 5
    many = DataErrors("400 issues:", [Issue("wrong-rate", str(n)) for n in range(400)], code="corpus-issues")
    assert len(str(many).splitlines()) == 12 and "390" in str(many)


@pytest.mark.parametrize(
    "error", [UserError("a", code="b"), DataErrors("two:", [Issue("c", "d"), Issue("e", "f")], code="g")]
)
def test_an_error_of_another_process_is_the_same(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
