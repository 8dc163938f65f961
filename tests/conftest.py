import os, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault('MPLBACKEND', 'agg')
os.environ.setdefault('HF_HUB_OFFLINE', '1')
os.environ.setdefault('TOKENIZERS_PARALLELISM', 'false')
os.environ['IN_TEST'] = '1' # makes `nbdev_export()` in a notebook a no-op
if 'PYTEST_XDIST_WORKER' in os.environ: # as many workers as cores: one thread each, set before torch is imported
    for k in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'): os.environ[k] = '1'
sys.path[:0] = [str(ROOT), str(ROOT/'tests')]

import pytest

def pytest_addoption(parser):
    parser.addoption('--flags', default='', help='cells to run that tst_flags in settings.ini skips, e.g. --flags "slow cuda"')

@pytest.fixture
def flags(request): return request.config.getoption('--flags')
