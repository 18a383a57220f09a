from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.scopes import scopes_of


def scopes(path, text):
    return scopes_of(path, text, text.split("\n"))


def test_labels_and_the_preprocessor_at_the_margin_do_not_end_a_c_function():
    text = "static int\narea(int a) {\n#ifdef X\n    struct box b;\n#endif\nerror:\n    return 1;\n}\nint other;"
    assert scopes("a.c", text) == ["", *["area"] * 7, ""]


def test_a_body_that_opens_on_its_own_line_belongs_to_what_stands_above():
    text = "int area(int a)\n{\n    return a;\n}\nclass Box\n{\npublic:\n    int b(int a,\n          int c)\n    {\n        d();\n    }\n};"
    assert scopes("a.cpp", text) == ["", *["area"] * 3, *["Box"] * 5, *["Box.b"] * 3, "Box.b"]


def test_a_signature_over_several_lines_names_its_body():
    text = "class Box {\n  open(\n    a: string,\n  ): void {\n    a();\n  }\n}"
    assert scopes("a.ts", text) == ["Box", "Box", "Box", "Box.open", "Box.open", "Box.open", "Box.open"]


def test_rust_blocks_are_named_by_what_they_are_for():
    text = "impl<T: Into<u8>> fmt::Display for Money<T> where T: Copy {\n    pub(crate) async fn fmt(&self) -> u8 {\n        1\n    }\n}"
    money = "fmt::Display for Money<T>"
    assert scopes("a.rs", text) == [money, *[f"{money}.fmt"] * 4]


def test_functions_that_are_assigned_have_the_name_they_are_assigned_to():
    text = "exports.use = function use(fn) {\n  fn();\n};\nconst run = async (a) => {\n  a();\n};"
    assert scopes("a.js", text) == [*["exports.use"] * 3, *["run"] * 3]


def test_a_call_with_a_callback_on_a_value_is_no_definition():
    assert scopes("a.js", "this.all.forEach((one) => {\n  one();\n});") == ["", "", ""]


def test_python_that_does_not_parse_is_read_by_its_indentation():
    assert scopes("a.py", "class A:\n    def b(self):\n        print 1\nc = 2") == ["A", "A.b", "A.b", ""]


@given(st.text(alphabet="ab<>(){}:=*& ;,.#'\t", max_size=400))
def test_every_line_has_a_scope_whatever_it_reads(text):
    assert len(scopes("a.c", text)) == 1
