# ruff: noqa: E501
"""capture.ps1: parsed with a PowerShell grammar, and run where PowerShell on Windows exists.

On other systems these tests do not run the script, and their output says so.
"""

import importlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import capturing as guest

SCRIPT = guest.SCRIPTS / "capture.ps1"
POWERSHELL = shutil.which("powershell") or (shutil.which("pwsh") if os.name == "nt" else None)


def tell(text):
    print(f"\ncapture.ps1: {text}", file=sys.__stderr__, flush=True)


def without_strings_and_comments(text):
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    return re.sub(r"'(?:[^']|'')*'|\"(?:[^\"`]|`.)*\"", "''", text)


class Parsed(unittest.TestCase):
    def test_a_real_parser_accepts_the_script(self):
        try:
            import tree_sitter
        except ImportError:
            self.skipTest(
                "capture.ps1 was NOT parsed: tree-sitter is not installed (PyPI: tree-sitter, tree-sitter-powershell)"
            )
        used = []
        for name in ("tree_sitter_powershell", "tree_sitter_pwsh"):
            try:
                grammar = importlib.import_module(name)
            except ImportError:
                continue
            tree = tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(SCRIPT.read_bytes())
            assert not tree.root_node.has_error, name
            broken = tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(
                SCRIPT.read_bytes() + b"\nif (1 { 'x'\n"
            )
            assert broken.root_node.has_error, f"{name} accepts anything"
            used.append(name)
        if not used:
            self.skipTest("capture.ps1 was NOT parsed: no grammar is installed (PyPI: tree-sitter-powershell)")
        tell(
            f"parsed with {' and '.join(used)}, not run: PowerShell on Windows is not here"
            if not POWERSHELL
            else "parsed"
        )

    def test_a_script_that_was_not_run_is_reported_as_such(self):
        if not POWERSHELL:
            self.skipTest("capture.ps1 was at most parsed, NOT run: there is no PowerShell on Windows here")
        done = subprocess.run(
            [POWERSHELL, "-NoProfile", "-NonInteractive", "-File", str(SCRIPT)],
            capture_output=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(b"\n") == 1
        assert len(done.stdout) < 24000
        assert json.loads(done.stdout)["stayput_guest"] == 1

    def test_the_text_suits_systems_manager(self):
        text = SCRIPT.read_bytes()
        assert text.isascii()
        assert b"{{" not in text
        assert len(text) < 64 * 1024

    def test_syntax_that_powershell_4_does_not_have_is_not_used(self):
        code = without_strings_and_comments(SCRIPT.read_text())
        for pattern in (
            r"::new\(",
            r"(?m)^\s*(?:class|enum)\s",
            r"\?\?",
            r"\?\.",
            r"&&",
            r"\|\|",
            r"-AsHashtable",
            r"ForEach-Object\s+-Parallel",
            r"(?m)^\s*using\s",
            r"-Depth\b",
        ):
            assert re.findall(pattern, code) == [], pattern

    def test_only_commands_that_read_are_used(self):
        code = without_strings_and_comments(SCRIPT.read_text())
        own = set(re.findall(r"(?m)^function ([A-Za-z0-9-]+)", code))
        used = set(re.findall(r"(?<![\w$.-])([A-Z][a-z]+-[A-Z][A-Za-z0-9]+)\b", code)) - own
        allowed = {
            "Get-ChildItem", "Get-CimInstance", "Get-DnsClientServerAddress", "Get-Item", "Get-NetAdapter", "Get-NetIPAddress", "Get-NetRoute",
            "Get-NetTCPConnection", "Get-Process", "Join-Path", "New-Object", "Test-Path", "Where-Object", "ForEach-Object", "Select-Object",
            "Start-Sleep", "ConvertFrom-Json",
        }  # fmt: skip
        assert used - allowed == set()
        assert re.findall(r"\[IO\.File\]::(Write|Append|Create|Delete|Move|Copy|Set)\w*", code) == []
        assert re.findall(r"\.(SetValue|DeleteValue|CreateSubKey)\(", code) == []

    def test_both_scripts_have_the_same_members_and_services(self):
        bash = guest.CAPTURE.read_text()
        powershell = SCRIPT.read_text()
        for name in ("stayput_guest", "captured_at", "identity", "system", "dns", "looked", "dropped", "failed", "row"):
            assert f'"{name}' in powershell
            assert f'"{name}' in bash
        for section in ("interfaces", "routes", "rules", "hosts", "files", "bindings", "drivers", "uses"):
            assert f"'{section}'" in powershell
        for address in re.search(r"SERVICES='([^']+)'", bash)[1].split():
            assert f"'{address}'" in powershell

    def test_patterns_of_services_and_secrets_work_as_in_the_other_script(self):
        # The expressions are those of the script; the syntax that they use has the same meaning in .NET and in Python.
        text = SCRIPT.read_text()
        assert "'(?<![0-9.])' + [regex]::Escape($service) + '(?![0-9]|\\.[0-9])'" in text
        pattern = re.compile(r"(?<![0-9.])" + re.escape("169.254.169.254") + r"(?![0-9]|\.[0-9])")
        for matching in (
            "169.254.169.254",
            "//169.254.169.254/",
            "169.254.169.254.",
            "169.254.169.254. x",
            "a169.254.169.254:80",
        ):
            assert pattern.search(matching), matching
        for other in (
            "169.254.169.2540",
            "1169.254.169.254",
            "1.169.254.169.254",
            "169.254.169.254.1",
            "169x254x169x254",
        ):
            assert not pattern.search(other), other
        replacements = [
            (re.sub(r"''", "'", found), replacement)
            for found, replacement in re.findall(r"\[regex\]::Replace\(\$Text, '((?:[^']|'')+)', '([^']*)'\)", text)
        ]
        assert len(replacements) == 4
        for secret in (
            "x.exe --password=Zq1", "x -Password Zq1", "net use /user:Zq1", "http://user:Zq1@host/", "psk: Zq1", "Authorization: Bearer Zq1",
            "X-aws-ec2-metadata-token: Zq1", "AKIAZZZZZZZZZZZZZq1".upper().replace("ZQ1", "ZZ1") + " ", "api_key=Zq1", "\"client_secret\": \"Zq1\"",
        ):  # fmt: skip
            shown = secret
            for found, replacement in replacements:
                shown = re.sub(found, replacement.replace("$1", r"\1"), shown)
            assert "Zq1" not in shown
            assert "(stripped)" in shown, secret


if __name__ == "__main__":
    unittest.main(verbosity=2)
