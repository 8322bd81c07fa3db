"""requirements.txt names every package that the program imports, and why it names one that it does not."""

import ast
import re
import sys

from helpers.command_line import PROJECT

MODULES = {
    'PIL': 'pillow',
    'pillow_heif': 'pillow-heif',
    'distributed': 'dask',
}  # where a module is not called like its package


def required(pattern):
    """The packages that files of requirements name, in lower case."""
    lines = [line for path in PROJECT.glob(pattern) for line in path.read_text().splitlines()]
    return {match[1].lower() for line in lines if (match := re.match(r'([\w-]+)(\[\w+\])?[><=]', line))}


def imported():
    """The packages that the program's own modules import."""
    rooms = {init.parent for init in PROJECT.glob('*/__init__.py')} - {PROJECT / 'tests'}
    files = [file for room in (PROJECT, *rooms) for file in room.glob('*.py')]
    own = {room.name for room in rooms} | {file.stem for file in files}
    names = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition('.')[0])
    return {MODULES.get(name, name) for name in names - own - sys.stdlib_module_names}


def test_what_is_imported_is_required_by_name():
    found, needed = imported(), required('requirements.txt')
    assert {'tensorflow', 'keras', 'rich', 'pillow'} <= found
    optional = required('requirements-[!d]*.txt')  # without what only development needs
    assert found - needed <= optional


def test_a_package_that_nothing_imports_is_justified():
    before = (PROJECT / 'requirements.txt').read_text().partition('imageio>=')[0]
    assert required('requirements.txt') - imported() == {'imageio'}
    assert 'imported by nothing' in before.splitlines()[-2]
