"""People's Markdown: what it can say, and that nothing in it acts."""

import re

import pytest

from core.markdown import defuse_markdown, render_markdown, write_plain
from tests.hostile.attacks import read_attacks
from tests.hostile.files import write_permissively
from tests.hostile.judging import list_markdown_faults

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java&#10;script:alert(1))",
    "[a](//e.org/x)",
    "[a](/\\\\e.org)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:msgbox(1))",
    '[a](https://e.org "onmouseover=alert(1)")',
    '[a](https://e.org"onmouseover="alert(1))',
    "<https://e.org/\"onmouseover='alert(1)'>",
    "<javascript:alert(1)>",
    "![a](https://e.org/pixel.png)",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>a</a>",
    "`<script>alert(1)</script>`",
    "```html\n<iframe src='javascript:alert(1)'></iframe>\n```",
    "| <script>alert(1)</script> |\n| --- |\n| <style>*{display:none}</style> |",
    "<div style='position:fixed;inset:0'>over all</div>",
    "<form action=https://e.org><input name=password></form>",
    "<base href=https://e.org>",
    "<meta http-equiv=refresh content='0;url=https://e.org'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[a]: javascript:alert(1)\n\n[a]",
)
ELEMENT = re.compile(r"<\s*(/?)\s*([a-z][a-z0-9]*)([^>]*)>", re.IGNORECASE)
HARMLESS = {"a", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown__an_attack__leaves_only_harmless_elements(attack: str) -> None:
    for _end, name, attributes in ELEMENT.findall(render_markdown(attack)):
        assert name in HARMLESS
        names = re.findall(r'([a-z-]+)="[^"]*"', attributes)
        assert set(names) <= {"href", "title", "rel"}
        for address in re.findall(r'href="([^"]*)"', attributes):
            assert address.startswith(("https://e.org", "/%5C"))


def test_markdown__what_people_write__is_said() -> None:
    said = render_markdown("# Head\n\n**bold** ~~gone~~\nnext line\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |")

    assert "<h3>Head</h3>" in said
    assert "<strong>bold</strong> <s>gone</s><br>" in said
    assert "<li>one</li>" in said
    assert "<td>2</td>" in said


@pytest.mark.parametrize("address", ["https://e.org/a?b=1", "mailto:a@e.org", "tel:+33123456789", "/incidents/3/"])
def test_markdown__an_address__is_a_link_that_tells_nobody(address: str) -> None:
    said = render_markdown(f"[here]({address})")

    assert f'href="{address}"' in said
    assert 'rel="noopener noreferrer nofollow"' in said


def test_markdown__nothing__is_empty() -> None:
    assert render_markdown("") == ""


def test_markdown__endlessly_nested__is_read_in_bounds() -> None:
    assert len(render_markdown("> " * 5_000 + "deep")) < 100_000


def test_markdown__every_known_attack__acts_nowhere() -> None:
    acting = {one.text: list_markdown_faults(render_markdown(one.text)) for one in read_attacks()}

    assert {text: faults for text, faults in acting.items() if faults} == {}


@pytest.mark.parametrize(
    "text",
    [
        "# Head\n\n**bold** [here](https://e.org) [inside](/incidents/3/)",
        "- one\n- `<b>` is code\n\n> said\n\n1 < 2 & 3 > 2",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "```html\n<script>alert(1)</script>\n```",
        "~~~\n<b>\n~~~\n",
        "",
    ],
)
def test_defuse__what_is_harmless__stays_as_it_was_typed(text: str) -> None:
    assert defuse_markdown(text) == text


def test_defuse__a_block_that_would_act__is_written_as_typed_and_the_others_stay() -> None:
    defused = defuse_markdown("**bold**\n\n*a* <img src=x onerror=alert(1)>\n\n_more_")

    assert defused == "**bold**\n\n\\*a\\* \\<img src=x onerror=alert(1)\\>\n\n_more_"
    assert "<p>*a* &lt;img src=x onerror=alert(1)&gt;</p>" in write_permissively(defused)


@pytest.mark.parametrize("text", ["a\n\n```\nb", "```", "a\n\n~~~~", "```\n```\n\n```html\n<b>"])
def test_defuse__a_fence_that_is_left_open__ends_with_the_text(text: str) -> None:
    assert "<h2>After</h2>" in write_permissively(f"{defuse_markdown(text)}\n\n## After")


def test_defuse__a_link_whose_address_stands_elsewhere__is_none() -> None:
    assert "<a" not in write_permissively(defuse_markdown("[a]: javascript:alert(1)\n\n[a]"))


def test_defuse__what_hides_in_what_is_defused__is_found_as_well() -> None:
    hidden = "<div\n<script>\n\n" * 30 + "[a](javascript:alert(1))"

    assert list_markdown_faults(write_permissively(defuse_markdown(hidden))) == []


def test_plain__marks_and_lines__are_shown_as_they_are() -> None:
    said = write_plain("a *b*\n- <i>c</i> [d](javascript:e) `f` | &lt;")

    assert write_permissively(said) == "<p>a *b* - &lt;i&gt;c&lt;/i&gt; [d](javascript:e) `f` | &amp;lt;</p>\n"
