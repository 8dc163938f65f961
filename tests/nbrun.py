"Runs the cells of a notebook in order for the generated `test_*.py`: one shell per notebook, one outcome per cell"
import ast, os, re, traceback
from pathlib import Path

import pytest
from execnb.shell import CaptureShell
from nbdev.config import get_config
from nbdev.process import NBProcessor, nb_lang

ROOT = Path(__file__).resolve().parent.parent
cfg = get_config(path=ROOT)
NBS = ROOT/'nbs'
EXPORTS = {'export', 'exports', 'exporti'}
TEST_CALLS = 'test_', 'assert_', 'expect_fail', 'ExceptionExpected'

def notebooks():
    "Every notebook of the project, sorted"
    return sorted(p for p in NBS.rglob('*.ipynb') if not any(o[0] in '._' for o in p.relative_to(NBS).parts))

def is_test(cell):
    "Whether `cell` is a test: `#| test`, an `assert`, or a call of `test_*`, `assert_*` or `expect_fail` outside exported code"
    if 'test' in cell.directives_: return True
    if cell.directives_.keys() & EXPORTS: return False
    try: tree = ast.parse(cell.source)
    except SyntaxError: return False
    name = lambda f: getattr(f, 'id', getattr(f, 'attr', ''))
    return any(isinstance(o, ast.Assert) or isinstance(o, ast.Call) and name(o.func).startswith(TEST_CALLS) for o in ast.walk(tree))

def load(path):
    "The code cells of a notebook that run, and the positions of those that are tests"
    nb = NBProcessor(path, rm_directives=False, process=True).nb
    front = [c.source for c in nb.cells[:1] if c.cell_type=='raw']
    if any(re.search(r'^skip_exec:\s*true', o, re.M) for o in front) or nb_lang(nb)!='python': return [],[]
    cells = [c for c in nb.cells if c.cell_type=='code' and c.source.strip() and 'nbdev_export(' not in c.source
             and c.directives_.get('eval:', [''])[0].lower()!='false']
    return cells,[i for i,c in enumerate(cells) if is_test(c)]

class Failed:
    "Why a cell failed: its source with the failing line marked, the frames inside the project, the exception, what was printed"
    def __init__(self, path, cell, is_test, exc, out):
        self.cell,self.is_test,self.short = cell,is_test,f'{type(exc).__name__}: {exc}'
        frames = traceback.extract_tb(exc.__traceback__)
        inside = [f for f in frames if f.filename.startswith('<ipython')]
        at = exc.lineno if isinstance(exc, SyntaxError) else inside[0].lineno if inside else 0
        code = '\n'.join(f"{'>' if i==at else ' '} {i:3} {l}" for i,l in enumerate(cell.source.splitlines(), 1))
        lib = ''.join(traceback.format_list([f for f in frames if f.filename.startswith(str(ROOT/'edit_nb'))]))
        cause = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
        self.text = f'nbs/{path.relative_to(NBS).as_posix()} #{cell.id}\n\n{code}\n\n{lib}{self.short}'
        if cause is not None: self.text += f'\n  from {type(cause).__name__}: {cause}'
        if out: self.text += f'\n--- printed\n{out[-2000:]}'

class NB:
    "One notebook, run as far as a test asks; a failing set-up cell fails every test after it"
    def __init__(self, rel): self.path,self.shell = NBS/rel,None
    def start(self, flags):
        self.cells,tests = load(self.path)
        self.ids,self.tests,self.res,self.broken = [c.id for c in self.cells],set(tests),[],None
        self.skip = set(cfg.tst_flags.split()) - set(flags.split())
        self.shell = CaptureShell(self.path, mpl_format='png')
        self.shell.showtraceback = self.shell.showsyntaxerror = lambda *a,**k: None
    def run_next(self):
        i,c = len(self.res),self.cells[len(self.res)]
        if flags := self.skip & c.directives_.keys(): return self.res.append('flag: '+' '.join(sorted(flags)))
        r = self.shell.run_cell(c.source)
        if r.exception is None: return self.res.append(None)
        self.res.append(Failed(self.path, c, i in self.tests, r.exception, r.stdout))
        if i not in self.tests: self.broken = self.res[-1]
    def upto(self, i):
        cwd = os.getcwd(); os.chdir(self.path.parent)
        try:
            while len(self.res)<=i and not self.broken: self.run_next()
        finally: os.chdir(cwd)
        return self.res[i] if i<len(self.res) else None
    def check(self, cell_id, flags):
        "Pass, fail or skip as cell `cell_id` did ('end': the cells after the last test)"
        if self.shell is None: self.start(flags)
        if cell_id!='end' and cell_id not in self.ids: pytest.fail(f'cell #{cell_id} is gone from {self.path.name}: run `make sync`', pytrace=False)
        i = len(self.ids)-1 if cell_id=='end' else self.ids.index(cell_id)
        r = self.upto(i)
        if self.broken and len(self.res)<=i or r is self.broken is not None: self.blame()
        if isinstance(r, Failed): pytest.fail(r.text, pytrace=False)
        if r and cell_id!='end': pytest.skip(r)
    def blame(self):
        "The first test to meet a failed set-up cell tells it whole, those after it in one line"
        b = self.broken; told,b.told = getattr(b, 'told', False),True
        pytest.fail(f'set-up cell #{b.cell.id} failed before this test: {b.short}' if told else 'set-up cell '+b.text, pytrace=False)
