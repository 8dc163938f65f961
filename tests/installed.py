"""Run the notebooks against the installed package, with run-time packages only: no nbdev, no pytest, exported cells left out.

    python -m venv /some/where && /some/where/bin/pip install . && /some/where/bin/python tests/installed.py [part of a notebook's path ...]

For trying other versions of Python, fastcore, torch and transformers. Cells marked `#| slow`, `#| cuda` or `#| eval: false` are left out too."""
import contextlib, importlib, io, json, os, re, sys, time, traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.update(MPLBACKEND='agg', HF_HUB_OFFLINE='1', TOKENIZERS_PARALLELISM='false', IN_TEST='1', TQDM_DISABLE='1')
sys.path[:] = [o for o in sys.path if o and Path(o).resolve() not in (ROOT, ROOT/'tests')]
SKIP = re.compile(r'^#\s*\|\s*(exports?i?|slow|cuda|notest|eval:\s*false|default_exp)\b', re.M)

def cells(path):
    "(id, source) of the code cells that run"
    for c in json.loads(path.read_text(encoding='utf-8'))['cells']:
        src = ''.join(c['source'])
        if c['cell_type']=='code' and src.strip() and not SKIP.search(src): yield c['id'],re.sub(r'^\s*%.*$', '', src, flags=re.M)

def module(path):
    "The installed module of a notebook, or None"
    m = re.search(r'#\s*\|\s*default_exp\s+([\w.]+)', path.read_text(encoding='utf-8'))
    return importlib.import_module('edit_nb.'+m[1]) if m else None

def run(path):
    "(cells run, what failed) of one notebook, in a namespace that starts with everything its module holds"
    mod = module(path); ns = dict(vars(mod)) if mod else {}
    ns.update(__name__='__main__', display=lambda *a,**k: None); n = 0; os.chdir(path.parent)
    for cid,src in cells(path):
        n += 1
        try:
            with contextlib.redirect_stdout(io.StringIO()): exec(compile(src, f'{path.name}#{cid}', 'exec'), ns)
        except Exception: return n,f'#{cid}\n{traceback.format_exc(limit=-6)}'
    return n,None

def main():
    import edit_nb.all, fastcore, torch, transformers # noqa: F401
    place = Path(edit_nb.__file__).parent
    if place==ROOT/'edit_nb': sys.exit(f'this is the checkout, not an installed package: {place}')
    print(f'Python {sys.version.split()[0]}, fastcore {fastcore.__version__}, torch {torch.__version__}, transformers {transformers.__version__}')
    bad = 0
    for p in sorted((ROOT/'nbs').rglob('*.ipynb')):
        name = p.relative_to(ROOT/'nbs').as_posix()
        if '.ipynb_checkpoints' in p.parts or sys.argv[1:] and not any(a in name for a in sys.argv[1:]): continue
        t = time.time(); n,why = run(p); bad += bool(why)
        print(f"{'FAILED' if why else 'ok':6} {name}: {n} cells, {time.time()-t:.1f} s" + (f'\n{why}' if why else ''), flush=True)
    sys.exit(bad>0)

if __name__=='__main__': main()
