"The layers: core < locate, evaluate < methods < interact, easyedit < all, bench < cli; every import points down or stays inside its layer"
import ast
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parent.parent/'edit_nb'
RANK = dict(core=0, locate=1, evaluate=1, methods=2, interact=3, easyedit=3, all=4, bench=4, cli=5)
FREE = '__init__', '_modidx' # the version and the index of symbols belong to no layer
FILES = sorted(p for p in LIB.rglob('*.py') if 'data' not in p.relative_to(LIB).parts)

def layer(parts): return parts[0].removesuffix('.py') if parts else ''

def imports(path):
    "(line, layer) of every import from edit_nb in a module, inside functions too"
    here = path.relative_to(LIB.parent).with_suffix('').parts
    for o in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(o, ast.Import): mods = [a.name.split('.') for a in o.names]
        elif isinstance(o, ast.ImportFrom):
            base = list(here[:len(here)-o.level]) if o.level else []
            base += o.module.split('.') if o.module else []
            mods = [base+[a.name] for a in o.names] if len(base)==1 else [base]
        else: continue
        yield from ((o.lineno, layer(m[1:])) for m in mods if m[0]=='edit_nb' and len(m)>1)

def up(path, to):
    "Whether an import from `to` is wrong in module `path`"
    own = layer(path.relative_to(LIB).parts)
    return to!=own and to in RANK and RANK[to]>=RANK[own]

@pytest.mark.parametrize('path', [p for p in FILES if p.stem not in FREE or p.parent!=LIB], ids=lambda p: p.relative_to(LIB).as_posix())
def test_imports_point_down(path):
    assert layer(path.relative_to(LIB).parts) in RANK, f'{path.name} is in no layer: {", ".join(RANK)}'
    bad = [f'line {n}: imports from {to}' for n,to in imports(path) if up(path, to)]
    assert not bad, f'{path.relative_to(LIB)} imports upwards\n' + '\n'.join(bad)

def test_the_check_sees_what_it_should(tmp_path, monkeypatch):
    "An upward import is found in each way of writing it"
    monkeypatch.setattr(f'{__name__}.LIB', tmp_path/'edit_nb')
    f = tmp_path/'edit_nb'/'core'/'x.py'; f.parent.mkdir(parents=True)
    for src in ('from edit_nb.methods.rome import rome', 'from ..methods.rome import *', 'from .. import methods', 'from edit_nb import locate',
                'import edit_nb.evaluate.metrics', 'def f():\n    from edit_nb.cli import g'):
        f.write_text(src); assert [to for _,to in imports(f) if up(f, to)], src
    for src in ('from .lm import *', 'from edit_nb.core.lm import LM', 'import torch', 'from edit_nb import __version__'):
        f.write_text(src); assert not [to for _,to in imports(f) if up(f, to)], src
