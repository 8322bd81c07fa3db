"""What the pages say of the project is there: links, headings, presets, commands, options and files."""

import importlib
import re
import shlex
from dataclasses import fields
from functools import cache

import beside_pytorch
import pytest
from distributed.cli import dask_scheduler, dask_ssh, dask_worker
from helpers import scale
from helpers.command_line import PROJECT

import benchmark
import compare
import configs
import estimate_kernel
import evaluate
import run_ZSSR
from running.command_line import Parser

FRONT_PAGE = PROJECT / 'README.md'
PAGES = [FRONT_PAGE, *sorted((PROJECT / 'docs').glob('*.md'))]
PAGES += [PROJECT / folder / 'README.md' for folder in ('kernels', 'results', 'test_data')]
COMMANDS = {
    f'{command.__name__}.py': command for command in (benchmark, compare, estimate_kernel, evaluate, run_ZSSR)
} | {'tests/beside_pytorch.py': beside_pytorch}
MOST_WORDS = 1200

# Named on the pages, but no part of the project: files of the original, folders that commands write.
ELSEWHERE = {'run_ZSSR_single_input.py', 'code/', 'figures/'}
# Options of ruff and pytest, of SLURM and of Helm.
OTHER_OPTIONS = {'--check', '--dist', '--gres', '--repo', '--create-namespace', '--generate-name'}

every_page = pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(PROJECT)))


@cache
def split(page):
    """A page's lines of prose and, with continued ones joined, of code."""
    prose, code, fenced = [], [], False
    for line in page.read_text(encoding='utf-8').replace('\\\n', ' ').splitlines():
        if line.startswith('```'):
            fenced = not fenced
        elif fenced or line.startswith('    '):
            code.append(line.strip())
        else:
            prose.append(line)
    assert not fenced
    return prose, code


def anchors(page):
    """The anchors that GitHub gives to a page's headings."""
    found = []
    for line in split(page)[0]:
        if match := re.match(r'#+ +(.*?)[ #]*$', line):
            text = re.sub(r'!?\[([^]]*)]\([^)]*\)', r'\1', match[1])
            slug = re.sub(r'[^\w\- ]', '', text.lower()).replace(' ', '-')
            earlier = [known for known in found if re.fullmatch(re.escape(slug) + r'(-\d+)?', known)]
            found.append(f'{slug}-{len(earlier)}' if earlier else slug)
    return found


def links(page):
    """Where a page's links and images lead within the project: (path as written, anchor or '')."""
    prose = re.sub(r'`[^`]*`', '', '\n'.join(split(page)[0]))
    targets = re.findall(r']\(([^)\s]+)[^)]*\)', prose) + re.findall(r'(?:src|href)="([^"]+)"', prose)
    return [target.partition('#')[::2] for target in targets if '://' not in target]


def command_lines(page):
    """What a page's code, in the text or apart, calls Python with, as lists of arguments."""
    prose, code = split(page)
    for line in code + re.findall(r'`([^`]+)`', '\n'.join(prose)):
        if match := re.search(r'(?:^|[\s/])python3? +(.*)', line):
            yield shlex.split(match[1], comments=True)


@cache
def options(parser):
    """The options of a parser and of its subcommands."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action.choices, dict):
            found.update(*(options(sub) for sub in action.choices.values()))
    return found


@cache
def options_of_dask():
    """The options of the commands of Dask that the pages show."""
    commands = dask_scheduler.main, dask_worker.main, dask_ssh.main
    return {option for command in commands for parameter in command.params for option in parameter.opts}


@every_page
def test_links_lead_to_files_and_headings(page):
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert target.is_relative_to(PROJECT), path
        if anchor:
            assert anchor in anchors(target), f'{path}#{anchor}'


def test_links_are_found():
    assert ('results/example.png', '') in links(FRONT_PAGE)
    assert sum(bool(anchor) for page in PAGES for _, anchor in links(page)) > 5


def test_front_page_leads_to_every_page():
    linked = {(FRONT_PAGE.parent / path).resolve() for path, _ in links(FRONT_PAGE)}
    assert {page for page in PAGES if page.parent.name == 'docs'} <= linked


def test_front_page_is_short():
    assert len(FRONT_PAGE.read_text(encoding='utf-8').split()) <= MOST_WORDS


def test_every_preset_is_described():
    described = re.findall(
        r'`(\w+_CONF|AUTO)`', (PROJECT / 'docs' / 'presets.md').read_text(encoding='utf-8')
    )
    assert set(configs.PRESETS) == set(described)


@every_page
def test_presets_exist(page):
    named = re.findall(r'\bX\d\w*(?:_CONF\b|_…)', page.read_text(encoding='utf-8'))
    assert set(named) <= set(configs.PRESETS)


@every_page
def test_commands_are_accepted(page):
    for arguments in command_lines(page):
        name, *rest = arguments
        if name == '-m' and rest[0].split('.')[0] in ('tests', 'running'):
            assert (PROJECT / rest[0].replace('.', '/')).with_suffix('.py').is_file(), rest[0]
        if name.startswith('-'):
            continue
        assert name in COMMANDS, arguments
        parser = COMMANDS[name].build_parser()
        assert isinstance(parser, Parser)  # one that raises instead of leaving
        # Parsers also take what an option begins with; the pages show whole ones.
        known = options(parser)
        assert {word.partition('=')[0] for word in rest if word.startswith('-')} <= known, arguments
        if '--help' in rest:
            continue
        args = parser.parse_args(rest)
        if name == 'run_ZSSR.py':
            run_ZSSR.configure(args)


def test_commands_are_found():
    found = {arguments[0] for page in PAGES for arguments in command_lines(page)}
    assert {*COMMANDS, '-m', '-c'} <= found


@every_page
def test_options_in_the_text_exist(page):
    commands = *COMMANDS.values(), scale
    known = OTHER_OPTIONS.union(options_of_dask(), *(options(command.build_parser()) for command in commands))
    named = re.findall(r'(?<![\w-])--[a-z][\w-]*', page.read_text(encoding='utf-8'))
    assert set(named) <= known


@every_page
def test_settings_in_the_text_exist(page):
    named = re.findall(r'--set[ =](\w+)=', page.read_text(encoding='utf-8'))
    assert set(named) <= {field.name for field in fields(configs.Config)}


@every_page
def test_files_and_folders_in_the_text_exist(page):
    prose = '\n'.join(split(page)[0])
    named = set(re.findall(r'`([\w./]+\.py|[a-z0-9_./]+/)`', prose)) - ELSEWHERE
    assert [
        name for name in named if not any((root / name).exists() for root in (PROJECT, page.parent))
    ] == []


@every_page
def test_imports_in_the_text_work(page):
    for line in split(page)[1]:
        if match := re.match(r'from ([\w.]+) import ([\w, ]+)', line):
            module = importlib.import_module(match[1])
            assert [name for name in match[2].split(', ') if not hasattr(module, name)] == [], line


def test_without_make_is_what_make_does():
    """Every line of the Makefile's recipes but its own bookkeeping is among the front page's commands."""
    text = (PROJECT / 'Makefile').read_text(encoding='utf-8')
    for name, value in re.findall(r'^(\w+) \??:?= *(.*)$', text, re.M):
        text = text.replace(f'$({name})', value)
    recipes = [line.strip() for line in text.splitlines() if line.startswith('\t')]
    assert {line for line in recipes if line != 'touch $@'} <= set(split(FRONT_PAGE)[1])
    assert len(recipes) > 5
