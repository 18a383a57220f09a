import ast
import sysconfig
from pathlib import Path

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
    text = "app.use = function use(fn) {\n  fn();\n};\nconst run = async (a) => {\n  a();\n};"
    assert scopes("a.js", text) == [*["app.use"] * 3, *["run"] * 3]


def test_what_a_module_exports_has_the_scope_that_it_has_as_a_declaration():
    heads = ("module.exports = function load(a) {", "exports.load = (a) => {", "export default function load(a) {")
    assert [scopes("a.js", f"{head}\n  a();\n}}") for head in heads] == [["load"] * 3] * 3
    text = "module.exports = class Box extends Base {\n  open(a) {\n    a();\n  }\n}"
    assert scopes("a.js", text) == ["Box", *["Box.open"] * 4]
    assert scopes("a.js", "module.exports = function (a) {\n  a();\n}") == ["module.exports"] * 3


def test_a_call_with_a_callback_on_a_value_is_no_definition():
    assert scopes("a.js", "this.all.forEach((one) => {\n  one();\n});") == ["", "", ""]


def test_python_that_does_not_parse_is_read_by_its_indentation():
    assert scopes("a.py", "class A:\n    def b(self):\n        print 1\nc = 2") == ["A", "A.b", "A.b", ""]


@given(st.text(alphabet="ab<>(){}:=*& ;,.#'\t", max_size=400))
def test_every_line_has_a_scope_whatever_it_reads(text):
    assert len(scopes("a.c", text)) == 1


def scopes_by_grammar(text):
    found = [""] * len(text.split("\n"))
    pending = [(ast.parse(text), "")]
    while pending:
        node, outer = pending.pop()
        for child in ast.iter_child_nodes(node):
            inner = outer
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{outer}.{child.name}" if outer else child.name
                for line in range(child.lineno - 1, child.end_lineno):
                    found[line] = max(found[line], inner, key=len) if found[line].startswith(inner) else inner
            pending.append((child, inner))
    return found


def test_the_scopes_of_python_are_those_of_its_grammar_over_the_standard_library():
    library = Path(sysconfig.get_path("stdlib"))
    files = [*library.glob("*.py"), *library.glob("asyncio/*.py"), *library.glob("email/*.py")]
    compared = 0
    for file in files:
        text = file.read_text("utf-8-sig")
        assert scopes("a.py", text) == scopes_by_grammar(text), file
        compared += text.count("\n")
    assert compared > 50_000


def test_a_definition_in_a_string_is_none_and_a_dedented_continuation_ends_nothing():
    text = 'def f(\n    a,\n):\n    """\ndef g():\n    """\n    x = (\n1)\n    # end\n\n# out\ny = 2\n'
    assert scopes("a.py", text) == [*["f"] * 8, "", "", "", "", ""]
