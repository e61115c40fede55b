"""The README is true: its plugin is the example, its commands run, its calls are answered."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from retender.entrypoints.container import open_container
from retender.entrypoints.http.app import create_app
from retender.entrypoints.settings_file import load_settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def consoles() -> list[str]:
    """Return the console blocks."""
    return re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)


def commands(block: str) -> list[list[str]]:
    """Return what is typed in a console block, a list of words for each command."""
    return [shlex.split(typed) for typed in re.split(r"^\$ ", block, flags=re.MULTILINE) if typed]


def settings_in_the_readme() -> dict[str, str]:
    typed = [words for block in consoles() for words in commands(block)]
    exports = [word for words in typed if words[0] == "export" for word in words[1:]]
    return dict(word.split("=", 1) for word in exports)


def test_the_plugin_in_the_readme_is_the_example():
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert code == (ROOT / "examples" / "pay_by_nod.py").read_text(encoding="utf-8")


def test_the_commands_of_the_tour_work_as_typed(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RETENDER_")}
    environment |= settings_in_the_readme()
    bin_folder = Path(sys.executable).parent
    ran = []
    for words in commands(consoles()[0]):
        if words[0] == "retender":
            done = subprocess.run(
                [str(bin_folder / "retender"), *words[1:]],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            ran.append(" ".join(words[:3]))
    assert ran == ["retender order place", "retender order pay", "retender order show"]


@pytest.mark.asyncio
async def test_the_calls_of_the_tour_are_answered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in settings_in_the_readme().items():
        monkeypatch.setenv(name, value)
    async with open_container(load_settings()) as container:
        transport = httpx.ASGITransport(create_app(container))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            statuses = []
            for curl, _, address, *options in commands(consoles()[1]):
                assert curl == "curl"
                path = address.removeprefix("localhost:8000")
                body = json.loads(options[options.index("-d") + 1])
                statuses.append((await client.post(path, json=body)).status_code)
    assert statuses == [201, 200]


@pytest.mark.parametrize("target", re.findall(r"^    make (\w+)", README, flags=re.MULTILINE))
def test_the_two_commands_are_targets(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_what_the_readme_points_to_is_there(link):
    assert (ROOT / link).exists()
