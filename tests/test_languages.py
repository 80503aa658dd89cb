"""The Chinese README and tutorial say what the English ones say: headings, code, figures."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAIRS = [("README.md", "README.zh-CN.md"), ("docs/tutorial.md", "docs/zh/tutorial.md")]
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(?m)(?<!\S)#.*$")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WIDE = r"[\u3000-\u9fff\uff00-\uffef]"  # with full-width punctuation


def parts(text):
    """Return the text between headings, each with its level and its figures, and the code."""
    code = [(kind, body) for kind, body in CODE.findall(text)]
    plain = re.sub(r"<!--.*?-->", "", CODE.sub("", text), flags=re.DOTALL)
    plain = re.sub(r"\]\([^)]*\)", "]", plain)  # targets of links
    found = []
    for section in re.split(r"(?m)^(?=#+ )", plain):
        level = len(section) - len(section.lstrip("#"))
        found.append((level, Counter(re.findall(r"\d[\d,]*(?:\.\d+)*", section))))
    return found, code


def differences(english, chinese):
    """Say where two texts differ in headings, figures or code."""
    (ours, code), (theirs, other) = parts(english), parts(chinese)
    found = []
    if [level for level, _ in ours] != [level for level, _ in theirs]:
        found.append("headings")
    found += [f"figures of section {n}: {a - b} {b - a}" for n, ((_, a), (_, b)) in
              enumerate(zip(ours, theirs, strict=False)) if a != b]  # fmt: skip
    if [kind for kind, _ in code] != [kind for kind, _ in other]:
        return [*found, "blocks of code"]
    for (_, one), (_, two) in zip(code, other, strict=True):
        lines = zip(one.splitlines(), two.splitlines(), strict=False)
        same = len(one.splitlines()) == len(two.splitlines()) and all(
            a == b
            # only a comment is translated, and what stands before it stays
            or (CHINESE.search(b) and COMMENT.sub("", a) == COMMENT.sub("", b) and "#" in a)
            for a, b in lines
        )
        found += [] if same else [f"code: {one.splitlines()[:2]}"]
    return found


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_the_chinese_text_agrees_with_the_english_one(english, chinese):
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in (english, chinese)]
    assert not differences(*texts)
    assert len(CHINESE.findall(texts[1])) > 500
    # HTML shows a line break as a space, which Chinese text does not have between characters
    broken = re.findall(rf"(?m)^.*{WIDE}\n *{WIDE}.*$", CODE.sub("", texts[1]))
    assert not broken


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ("# 甲\n\n有 3 个\n\n```sh\nrun x  # 运行\n```\n", []),
        ("# 甲\n\n有 4 个\n\n```sh\nrun x  # 运行\n```\n", ["figures"]),
        ("## 甲\n\n有 3 个\n\n```sh\nrun x  # 运行\n```\n", ["headings"]),
        ("# 甲\n\n有 3 个\n\n```sh\nrun y  # 运行\n```\n", ["code"]),
        ("# 甲\n\n有 3 个\n\n```sh\nrun x  # 运行\nmore\n```\n", ["code"]),
        ("# 甲\n\n有 3 个\n", ["blocks"]),
    ],
)
def test_a_difference_is_noticed(changed, found):
    english = "# A\n\nThere are 3\n\n```sh\nrun x  # runs\n```\n"
    assert [text.split()[0].rstrip(":") for text in differences(english, changed)] == found


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_a_readme_is_short_and_its_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 130
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert len(links) > 15
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing
