"""Mutation check: break the exported functions one at a time; the generated tests must fail.

    python tests/mutate.py                      # every function; writes tests/mutation.json
    python tests/mutate.py --sample 6 --seed 1  # some of them
    python tests/mutate.py --only core.lm       # one module, or one function: core.lm:LM.top

`--kind none` (default) empties the body; `--kind value` keeps it and spoils what it returns; `--list` only counts.
Survivors that the saved score names are known: only others make the check fail.
A mutant is made in a copy of the project, in the notebook and in its module, and tried by the tests of that notebook,
then by those of a few notebooks that import the module. Tests run in forks of one process that has imported torch already."""
import argparse, ast, contextlib, json, multiprocessing, os, random, re, shutil, signal, sys, tempfile, time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFS = ast.FunctionDef, ast.AsyncFunctionDef
SKIP = re.compile(r'(^|\.)(_(?!_)|__(repr|str|dir|hash|del|init_subclass)__)')

# --- a wrong value of the same type
def wrong(x):
    "A value like `x` and different from it"
    import numpy as np, torch
    if isinstance(x, bool): return not x
    if isinstance(x, (int, float)): return x+1
    if isinstance(x, str): return x+'?'
    if isinstance(x, torch.Tensor): return ~x if x.dtype==torch.bool else x*1.1+.1 if x.is_floating_point() else x+1
    if isinstance(x, np.ndarray) and x.dtype.kind in 'iuf': return x+1
    if isinstance(x, dict): return dict(list(x.items())[:-1]) if x else {'wrong': 1}
    if isinstance(x, (list, tuple)): return type(x)(x[:-1]) if x and type(x) in (list, tuple) else None
    return None

# --- mutants of a source text
def own_nodes(f):
    "Nodes of function `f`, without those of functions inside it"
    todo = list(f.body)
    while todo:
        o = todo.pop(); yield o
        if not isinstance(o, (*DEFS, ast.Lambda, ast.ClassDef)): todo += ast.iter_child_nodes(o)

def patched(f):
    "Classes that a `@patch`ed function is added to"
    if not any('patch' in ast.unparse(d) for d in f.decorator_list): return []
    ann = f.args.args[0].annotation if f.args.args else None
    return [ast.unparse(ann)] if ann else []

def functions(tree):
    "(qualified name, node) of the functions and methods at the top of a syntax tree"
    for o in tree.body:
        if isinstance(o, DEFS): yield '.'.join(patched(o)+[o.name]),o
        if isinstance(o, ast.ClassDef): yield from ((f'{o.name}.{m.name}', m) for m in o.body if isinstance(m, DEFS))

def code(f):
    "Statements of `f` after its docstring"
    doc = isinstance(f.body[0], ast.Expr) and isinstance(f.body[0].value, ast.Constant) and isinstance(f.body[0].value.value, str)
    return f.body[doc:]

def edits(f, kind):
    "[(start, end, text)] that break function `f`; empty where there is nothing to break"
    body,nodes = code(f),list(own_nodes(f))
    if not body or all(isinstance(o, (ast.Pass, ast.Raise)) for o in body): return []
    if kind=='value':
        rets = [o.value for o in nodes if isinstance(o, ast.Return) and o.value is not None]
        return [e for r in rets for e in ((r.lineno, r.col_offset, r.lineno, r.col_offset, "__import__('mutate').wrong("),
                                          (r.end_lineno, r.end_col_offset, r.end_lineno, r.end_col_offset, ')'))]
    first = min([(d.lineno, d.col_offset-1) for d in getattr(body[0], 'decorator_list', [])] + [(body[0].lineno, body[0].col_offset)])
    gen = any(isinstance(o, (ast.Yield, ast.YieldFrom)) for o in nodes)
    new = 'yield' if gen else 'return None'
    if ast.unparse(ast.Module(body, [])).strip() in (new, 'return'): return []
    return [(*first, body[-1].end_lineno, body[-1].end_col_offset, new)]

def apply(src, changes):
    "`src` with `changes` made, the last first (columns are in bytes)"
    b = src.encode().splitlines(True)
    at = lambda l,c: sum(map(len, b[:l-1]))+c
    res = src.encode()
    for l,c,l2,c2,new in sorted(changes, key=lambda o: (o[0],o[1],o[4]!=')'), reverse=True): res = res[:at(l,c)] + new.encode() + res[at(l2,c2):]
    return res.decode()

def mutate(src, name, kind):
    "`src` with function `name` broken, or None when it is not there"
    for nm,f in functions(ast.parse(src)):
        if nm==name and (e := edits(f, kind)): return apply(src, e)

# --- the project
def exports(c): return c['cell_type']=='code' and re.search(r'^#\s*\|\s*exports?\b', ''.join(c['source']), re.M)

def notebooks():
    "{notebook: (module file, test file, its code)} of every notebook that exports a module, as paths inside the project"
    import gen_tests
    res = {}
    for p in gen_tests.notebooks():
        cells = json.loads(p.read_text())['cells']
        code = '\n'.join(''.join(c['source']) for c in cells if c['cell_type']=='code')
        m = re.search(r'^#\s*\|\s*default_exp\s+(\S+)', code, re.M)
        res[p.relative_to(ROOT).as_posix()] = dict(code=code, cells=cells, tests='tests/'+gen_tests.test_file(p.relative_to(gen_tests.NBS)),
                                                   module=f"edit_nb/{m[1].replace('.','/')}.py" if m else None)
    return res

def mutants(nbs, kind):
    "[(notebook, function)] of everything that can be broken"
    res = []
    for nb,o in nbs.items():
        if not o['module']: continue
        for c in filter(exports, o['cells']):
            res += [(nb, nm) for nm,f in functions(ast.parse(''.join(c['source']))) if not SKIP.search(nm) and edits(f, kind)]
    return res

def dependents(nbs, nb, n):
    "Test files of other notebooks that import the module of `nb`, the `n` shortest"
    mod = nbs[nb]['module'].removesuffix('.py').replace('/', '.')
    use = [o for k,o in nbs.items() if k!=nb and re.search(rf'\b({re.escape(mod)}|edit_nb\.all)\b', o['code'])]
    return [o['tests'] for o in sorted(use, key=lambda o: len(o['code']))[:n]]

def copy_to(d):
    "A copy of what the tests read; data files, and reference data beside the checkout, are linked"
    for o in ('nbs', 'edit_nb', 'tests'): shutil.copytree(ROOT/o, d/o, ignore=shutil.ignore_patterns('data', '__pycache__', '.ipynb_checkpoints'))
    shutil.copy(ROOT/'settings.ini', d)
    for a,b in ((ROOT/'edit_nb'/'data', d/'edit_nb'/'data'), (ROOT.parent/'shared', d.parent/'shared')):
        with contextlib.suppress(FileExistsError):
            if a.exists(): b.symlink_to(a)

# --- running
def preload():
    "Import what is heavy and not ours, before any fork"
    import execnb.shell, matplotlib.pyplot, nbdev.process, pandas, pytest, torch # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, LlamaForCausalLM # noqa: F401
    torch.set_num_threads(1)

def run_tests(root, file, limit):
    "(exit status, the first failure) of one test file of the copy `root`, in a fork; a hang ends after `limit` seconds"
    log = root/'log.txt'
    pid = os.fork()
    if not pid: child(root, file, log)
    end = time.time()+limit
    while True:
        done,status = os.waitpid(pid, os.WNOHANG)
        if done: break
        if time.time()>end: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0); return 1,f'{file}: no answer in {limit:.0f} s'
        time.sleep(.02)
    text = log.read_text(errors='replace')
    return os.waitstatus_to_exitcode(status),next(iter(re.findall(r'^(?:FAILED|ERROR) (\S+)', text, re.M)), text[-300:])

def child(root, file, log):
    "What the fork does; it never returns"
    fd = os.open(log, os.O_WRONLY|os.O_CREAT|os.O_TRUNC); os.dup2(fd, 1); os.dup2(fd, 2)
    os.chdir(root)
    sys.path[:] = [o for o in sys.path if not o.startswith(str(ROOT/'tests'))]
    for k in [k for k in sys.modules if k in ('nbrun', 'gen_tests', 'conftest', 'mutate')]: del sys.modules[k]
    import nbdev.config
    import pytest
    nbdev.config.get_config.cache_clear()
    try: rc = int(pytest.main(['-x', '-q', '-p', 'no:xdist', str(root/file)]))
    except BaseException: rc = 3
    sys.stdout.flush(); os._exit(rc)

copy = None # the copy of this worker
def start(base):
    global copy
    copy = Path(tempfile.mkdtemp(dir=base)); copy_to(copy)

def baseline(file):
    "(test file, exit status, seconds) without a mutant"
    t = time.time(); rc,why = run_tests(copy, file, 1800)
    return file,rc,time.time()-t,why

clean = {} # test file -> whether it passes without a mutant
def passes(file, files):
    "Whether `file` passes in the clean copy, so that its failure says something; the first of `files` was tried at the start"
    if file==files[0]: return True
    if file not in clean: clean[file] = run_tests(copy, file, 1800)[0]==0
    return clean[file]

def attempt(job):
    "(notebook, function, what noticed or None) for one mutant"
    nb,name,o,files,limits,kind = job
    path,mod = copy/nb,copy/o['module']
    old = path.read_text(),mod.read_text()
    data = json.loads(old[0])
    for c in filter(exports, data['cells']):
        if new := mutate(''.join(c['source']), name, kind): c['source'] = new; break
    new = json.dumps(data),mutate(old[1], name, kind) or old[1]
    for f in files:
        path.write_text(new[0]); mod.write_text(new[1])
        rc,why = run_tests(copy, f, limits.get(f, 600))
        path.write_text(old[0]); mod.write_text(old[1])
        if rc not in (0, 5) and passes(f, files): return nb,name,why
    return nb,name,None

def report(res, kind, seconds, whole, known):
    "Print the score, by notebook when all were tried, and the survivors"
    alive = [(nb,nm) for nb,nm,why in res if not why]
    n = Counter(nb for nb,_,_ in res); bad = Counter(nb for nb,_ in alive)
    if whole: print(*(f'{n[k]-bad[k]:4}/{n[k]:<4} {k}' for k in sorted(n)), sep='\n')
    for nb,nm in alive: print(f"survived: {nb} {nm}{' (known)' if f'{nb} {nm}' in known else ''}")
    score = (len(res)-len(alive))/max(1, len(res))
    print(f'mutation score {score:.1%}: {len(res)-len(alive)} of {len(res)} broken functions noticed (kind {kind}) in {seconds:.0f} s')
    return dict(score=round(score, 4), noticed=len(res)-len(alive), broken=len(res), kind=kind,
                by_notebook={k: [n[k]-bad[k], n[k]] for k in sorted(n)}, survived=[f'{nb} {nm}' for nb,nm in alive])

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--sample', type=int, help='how many functions to break, chosen at random'); ap.add_argument('--seed', type=int, default=0)
    ap.add_argument('--only', default='', help='module, or module:function'); ap.add_argument('--kind', choices=['none', 'value'], default='none')
    ap.add_argument('--dependents', type=int, default=3, help='how many other notebooks to ask about a survivor')
    ap.add_argument('--jobs', type=int, default=min(8, os.cpu_count() or 1)); ap.add_argument('--list', action='store_true')
    a = ap.parse_args(); t0 = time.time()
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    nbs = notebooks(); todo = mutants(nbs, a.kind)
    mod,_,func = a.only.partition(':')
    if mod: todo = [(nb,nm) for nb,nm in todo if nbs[nb]['module']==f"edit_nb/{mod.removeprefix('edit_nb.').replace('.','/')}.py" and func in ('', nm)]
    if a.list: return print(*(f'{nb} {nm}' for nb,nm in todo), f'{len(todo)} functions', sep='\n')
    if not todo: sys.exit(f'nothing to break in {a.only or "the project"}')
    whole = not (a.sample or mod)
    if a.sample: todo = random.Random(a.seed).sample(todo, min(a.sample, len(todo)))
    files = {nb: [nbs[nb]['tests'], *dependents(nbs, nb, a.dependents)] for nb,_ in todo}
    preload()
    with tempfile.TemporaryDirectory() as base, multiprocessing.get_context('fork').Pool(a.jobs, start, (base,)) as pool:
        base_runs = list(pool.imap_unordered(baseline, sorted({f for fs in files.values() for f in fs[:1]})))
        if bad := [f'{f}: {why}' for f,rc,_,why in base_runs if rc not in (0, 5)]: sys.exit('fails without a mutant: '+', '.join(bad))
        limits = {f: 30+5*s for f,_,s,_ in base_runs}
        jobs = [(nb, nm, nbs[nb], files[nb], limits, a.kind) for nb,nm in todo]
        res = []
        for nb,nm,why in pool.imap_unordered(attempt, jobs):
            res.append((nb,nm,why)); print(f"[{len(res)}/{len(jobs)} {time.time()-t0:.0f}s] {nb} {nm}: {why or 'SURVIVED'}", flush=True)
    saved = ROOT/'tests'/('mutation.json' if a.kind=='none' else f'mutation_{a.kind}.json')
    known = json.loads(saved.read_text())['survived'] if saved.exists() else []
    out = report(sorted(res), a.kind, time.time()-t0, whole, known)
    if whole: saved.write_text(json.dumps(out, indent=1)+'\n')
    if new := sorted(set(out['survived'])-set(known)): sys.exit(f'{len(new)} broken functions that no test noticed')

if __name__=='__main__': main()
