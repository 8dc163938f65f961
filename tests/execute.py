"""Run notebooks in place, keeping outputs and widget state, then clean them: `python tests/execute.py nbs/core/02_lm.ipynb ...` (all without arguments).

Cells that tst_flags skips and cells with `#| eval: false` keep the outputs they have."""
import os, sys, time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbrun import cfg, load, notebooks
from sync import clean

os.environ.update(HF_HUB_OFFLINE='1', TOKENIZERS_PARALLELISM='false')
os.environ['PATH'] = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
TAG = 'skip-execution'

def execute(path):
    "Run one notebook; nothing is written when a cell fails"
    flags = set(cfg.tst_flags.split())
    runs = {c.id for c in load(path)[0] if not c.directives_.keys() & flags}
    nb = nbformat.read(path, 4); off = [c for c in nb.cells if c.cell_type=='code' and c.id not in runs]
    for c in off: c.metadata['tags'] = c.metadata.get('tags', [])+[TAG]
    NotebookClient(nb, timeout=3600, kernel_name='python3', skip_cells_with_tag=TAG, store_widget_state=True,
                   resources={'metadata': {'path': str(path.parent)}}).execute()
    for c in off:
        c.metadata['tags'].remove(TAG)
        if not c.metadata['tags']: del c.metadata['tags']
    nbformat.write(nb, path)

if __name__=='__main__':
    bad = 0
    for p in [Path(o).resolve() for o in sys.argv[1:]] or notebooks():
        t = time.time()
        try: execute(p)
        except Exception as e: bad += 1; print(f'FAILED {p.name}: {e}')
        else: print(f'{p.name} {time.time()-t:.1f} s, {p.stat().st_size/1024:.0f} KB', flush=True)
    clean(); sys.exit(bad>0)
