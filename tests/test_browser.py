"The apps in a real browser: pages of Voila and a notebook of JupyterLab, driven as a user would; skipped where there is no Chromium, Playwright or Voila"
import json, os, re, shutil, signal, socket, subprocess, sys, time
import urllib.error, urllib.request
from pathlib import Path

import pytest

for o in ('voila', 'jupyterlab', 'anywidget'): pytest.importorskip(o, reason=f'{o} is not installed: the browser tests need the extra dev')
api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed: the browser tests need the extra dev')

ROOT = Path(__file__).resolve().parent.parent
FLAGS = '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()
WAIT = 300_000 # milliseconds until a machine that has other work to do is given up

def chromium(p):
    "A Chromium of this machine, or the one that Playwright has fetched"
    own = [shutil.which(o) for o in ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')] + [p.chromium.executable_path]
    return next((o for o in own if o and Path(o).exists()), None)

# --- notebooks to open
def notebook(path, *cells):
    "Write a notebook of code `cells` to `path`"
    code = lambda i,s: dict(cell_type='code', id=f'c{i}', metadata={}, source=s, outputs=[], execution_count=None)
    path.write_text(json.dumps(dict(cells=[code(i, s) for i,s in enumerate(cells)], nbformat=4, nbformat_minor=5,
        metadata=dict(kernelspec=dict(name='python3', language='python', display_name='python3')))))

START = '''
import gc, json, threading, psutil, torch
import ipywidgets as W
from edit_nb.all import *
lm = LM.load(); start = {n: p.clone() for n,p in lm.model.named_parameters()}
def hooks(m): return sum(len(v) for k,v in vars(m).items() if k.endswith('_hooks') and v)
def gauge(_=None):
    gc.collect(); gauge.n += 1
    seen = dict(n=gauge.n, hooks=sum(map(hooks, lm.model.modules())), edits=len(lm.edits), same=all(torch.equal(p, start[n]) for n,p in lm.model.named_parameters()),
                widgets=len(W.widgets.widget._instances), threads=threading.active_count(), rss=psutil.Process().memory_info().rss>>20)
    box.value = json.dumps(seen)
gauge.n,box,button = 0, W.Label(), W.Button(description='Measure'); box.add_class('gauge'); button.on_click(gauge)
'''
APPS = '''
first,edit,second = trace_app(lm, run=False), edit_app(lm, method='rome'), trace_app(lm, 'Iraq has an official language, and it is', 'Iraq', run=False)
for n,o in dict(first=first, edit=edit, second=second).items(): o.widget.add_class('app-'+n)
W.VBox([button, box, first.widget, edit.widget, second.widget])
'''
LAB = 'from edit_nb.all import *\nlm = LM.load()\ntrace_app(lm)'

# --- servers
VOILA = ['--no-browser', '--template=edit_nb', '--Voila.ip=127.0.0.1', '--port={port}', # as in the Makefile
         *(f'--VoilaConfiguration.extension_denylist={o}' for o in ('jupyterlab-jupytext', '@voila-dashboards/jupyterlab-preview'))]

def free_port():
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); return s.getsockname()[1]

def serve(folder, *args):
    "Start a server of `folder` with a home of its own; (process, address)"
    port,bin = free_port(), str(Path(sys.executable).parent)
    env = {k: v for k,v in os.environ.items() if not k.startswith(('PYTEST', 'IN_TEST', 'JUPYTER'))} | dict(OMP_NUM_THREADS='1') # threads that wait for a busy core are slow
    env |= dict(HOME=str(folder), PATH=bin+os.pathsep+env['PATH'], PYTHONPATH=str(ROOT), JUPYTER_PATH=str(ROOT/'docs'/'voila'), IPYTHONDIR=str(folder/'ipython'), OMP_NUM_THREADS='1')
    with open(folder/f'{port}.log', 'w') as log: # in a file: a pipe that nobody reads would stop the server
        run = subprocess.Popen([sys.executable, '-m', *[o.format(port=port) for o in args]], cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
    return run,f'http://127.0.0.1:{port}',folder/f'{port}.log'

def up(run, url, log):
    "Wait until the server answers"
    for _ in range(600):
        try: return urllib.request.urlopen(url+'/static/favicon.ico', timeout=5) and url
        except urllib.error.HTTPError: return url
        except OSError: time.sleep(.2)
        if run.poll() is not None: break
    pytest.fail(f'{url} does not answer:\n{log.read_text()[-2000:]}')

@pytest.fixture(scope='module')
def chrome():
    with api.sync_playwright() as p:
        if not (path := chromium(p)): pytest.skip('no Chromium found: install one, or run `playwright install chromium`')
        b = p.chromium.launch(executable_path=path, args=FLAGS)
        yield b
        b.close()

@pytest.fixture(scope='module')
def servers(chrome, tmp_path_factory):
    "Addresses of Voila and of JupyterLab, both on a folder with the notebooks"
    d = tmp_path_factory.mktemp('served')
    notebook(d/'three.ipynb', START, APPS); notebook(d/'lab.ipynb', *LAB.splitlines()); shutil.copy(ROOT/'nbs'/'apps.ipynb', d)
    started = [serve(d, 'voila', *VOILA),
               serve(d, 'jupyterlab', '--no-browser', '--allow-root', '--ServerApp.ip=127.0.0.1', '--port={port}', '--IdentityProvider.token=', '--ServerApp.password=')]
    try: yield [up(*o) for o in started]
    finally:
        for o in started: os.killpg(o[0].pid, signal.SIGTERM)
        for o in started: o[0].wait(30)

def opened(chrome, url):
    "A page that remembers in `wrong` what pages should not do"
    pg = chrome.new_page(viewport=dict(width=1280, height=1000)); pg.wrong = []; pg.set_default_timeout(WAIT)
    home = url.split('/')[2]; host = lambda u: u.split('/')[2] if u.startswith(('http', 'ws')) else home
    pg.on('console', lambda m: pg.wrong.append(f'console: {m.text} {m.location}') if m.type=='error' else None)
    pg.on('pageerror', lambda e: pg.wrong.append(f'error: {e}'))
    pg.on('request', lambda r: pg.wrong.append(f'asks {r.url}') if host(r.url)!=home else None)
    pg.on('websocket', lambda w: pg.wrong.append(f'asks {w.url}') if host(w.url)!=home else None)
    pg.goto(url, wait_until='domcontentloaded')
    return pg

# --- what a user does and sees
def says(app, text): "Waits until the line or the checks of `app` hold `text`."; app.locator('.enb-status, .enb-checks').get_by_text(re.compile(text)).first.wait_for()
def press(app, name): app.get_by_role('button', name=name, exact=True).click()
def cell(app, row, layer, panel=0): return app.locator('.enb-heat').nth(panel).locator(f'[data-r="{row}"][data-c="{layer}"]')
def exact(app): return app.locator('.enb-cell:not(.enb-guess):not(.enb-none)').count()

def measure(pg):
    "What the gauge of the notebook shows: hooks, widgets and threads of the kernel, its memory (MiB), edits that are on, are the weights the old ones?"
    seen = lambda: json.loads(pg.locator('.gauge').inner_text() or '{"n": 0}')
    n = seen()['n']; press(pg, 'Measure')
    pg.wait_for_function('n => JSON.parse(document.querySelector(".gauge").innerText || "{}").n > n', arg=n)
    return seen()

def trace(app, prompt, subject):
    "Type a prompt and its subject, and wait for exact cells"
    app.get_by_label('Prompt').fill(prompt); app.get_by_label('Subject').fill(subject); app.get_by_label('Subject').press('Tab')
    says(app, 'the model says'); press(app, 'Trace'); says(app, r'^Exact: \d+ cells')

# --- the apps in Voila: one page, used from test to test
@pytest.fixture(scope='module')
def page(chrome, servers):
    pg = opened(chrome, f'{servers[0]}/voila/render/three.ipynb'); pg.locator('.app-second .enb-heat').first.wait_for(state='attached'); measure(pg)
    yield pg
    pg.close()

@pytest.fixture
def apps(page):
    "The three apps of the page; nothing may have gone wrong on it when the test ends"
    yield [page.locator(f'.app-{o}') for o in ('first', 'edit', 'second')]
    assert not page.wrong, page.wrong

def test_trace(page, apps):
    app = apps[0]; trace(app, 'Madrid is a city in the country of', 'Madrid')
    n = app.locator('.enb-cell').count(); assert n and exact(app)==n
    assert 'The model says Spain' in app.inner_text()
    cell(app, 0, 4).click(); app.get_by_text('With it restored, the model says').wait_for()
    assert re.search('State after layer 4 at “M.*Edit at layer 4', app.inner_text(), re.S)
    page.keyboard.press('ArrowRight'); page.keyboard.press('Enter'); app.get_by_text('State after layer 5 at').wait_for()

def test_selected_text_becomes_the_subject(page, apps):
    box = apps[2].get_by_label('Prompt'); box.fill('Iraq has an official language, and it is'); box.press('Home')
    for _ in range(4): box.press('Shift+ArrowRight')
    page.wait_for_function('() => document.querySelector(".app-second .enb-back mark")?.innerText == "Iraq"'); api.expect(apps[2].get_by_label('Subject')).to_have_value('Iraq')

def test_a_second_app_does_not_disturb_the_first(apps):
    was = apps[0].inner_text(); trace(apps[2], 'The Colosseum is in the city of', 'The Colosseum')
    assert 'The model says Rome' in apps[2].inner_text() and apps[0].inner_text()==was

def test_bad_input_is_told_in_words(page, apps):
    app = apps[0]; app.get_by_label('Subject').fill('Lisbon'); app.get_by_label('Subject').press('Tab'); says(app, "'Lisbon' is not in the text")
    press(app, 'Trace'); app.get_by_role('alert').get_by_text("'Lisbon' is not in the text").wait_for()
    edit = apps[1]; edit.get_by_label('New answer').fill(''); edit.get_by_label('New answer').press('Tab'); says(edit, 'new answer is empty')
    press(edit, 'Preview'); edit.get_by_role('alert').get_by_text('new answer is empty').wait_for()
    edit.get_by_label('New answer').fill('Rome'); edit.get_by_label('New answer').press('Tab')
    press(edit, 'Settings'); edit.get_by_label('layers', exact=True).fill('[99]'); edit.get_by_label('layers', exact=True).press('Tab'); says(edit, '99')
    press(edit, 'Preview'); edit.get_by_role('alert').get_by_text('99').wait_for()
    edit.get_by_label('layers', exact=True).fill('[3]'); edit.get_by_label('layers', exact=True).press('Tab'); press(edit, 'Settings')
    m = measure(page); assert m['same'] and not m['edits']

def test_edit(page, apps, tmp_path):
    app = apps[1]; start = measure(page)
    press(app, 'Preview'); says(app, '^Preview of rome'); now = measure(page); assert now['same'] and now['hooks']==start['hooks']
    assert 'rank 1' in app.inner_text() and 'as wanted' in app.inner_text()
    press(app, 'Apply'); says(app, '^rome.* is on'); assert '1 edit on' in apps[0].inner_text() and not measure(page)['same']
    box = app.get_by_role('checkbox', name='rome'); box.click(); says(app, '^rome.* is off'); assert measure(page)['same']
    box.click(); says(app, '^rome.* is on'); assert measure(page)['edits']==1
    app.get_by_label('File or folder').fill(str(tmp_path/'carried')); app.get_by_label('File or folder').press('Tab')
    press(app, 'Export adapter'); says(app, '^Adapter in'); assert (tmp_path/'carried'/'adapter_config.json').exists()
    press(app, 'Undo all'); says(app, '^All edits are off'); now = measure(page)
    assert now['same'] and not now['edits'] and now['hooks']==start['hooks'] and '0 edits on' in apps[2].inner_text()

def test_fifty_clicks_leave_nothing_behind(page, apps):
    app = apps[2]; rows = app.locator('.enb-heat').first.locator('[role=row]').count(); assert rows
    for i in range(60): # the first ten warm up
        cell(app, i%rows, i%10, i%3).click(delay=0)
        if i==9: app.get_by_text(re.compile(f'layer {i%10} at')).wait_for(); before = measure(page)
    for _ in range(100): # clicks that wait their turn have hooks on while they run; a leak stays
        after = measure(page)
        if after['hooks']==before['hooks']: break
        page.wait_for_timeout(200)
    assert {k: after[k] for k in ('hooks', 'widgets', 'edits', 'same')}=={k: before[k] for k in ('hooks', 'widgets', 'edits', 'same')}
    assert after['threads'] <= before['threads']+1 and after['rss']-before['rss'] < 40, (before, after)

WIDE = '() => [...document.querySelectorAll(".enb-app *")].filter(e => e.checkVisibility() && !e.closest(".enb-scroll, svg, .enb-back") && e.getBoundingClientRect().right > innerWidth+1).map(e => e.className || e.tagName)'

def test_nothing_is_cut_on_a_phone(page, apps):
    page.set_viewport_size(dict(width=400, height=900)); page.wait_for_timeout(400)
    wide = page.evaluate(WIDE); page.set_viewport_size(dict(width=1280, height=1000)); assert not wide, wide

# --- the page of `make app`, and JupyterLab
def test_apps_page(chrome, servers):
    pg = opened(chrome, f'{servers[0]}/voila/render/apps.ipynb'); pg.get_by_text('total effect').wait_for(); says(pg, r'^Exact: \d+ cells')
    cell(pg, 4, 6).click(); press(pg, 'Edit at layer 6')
    pg.get_by_role('button', name='Preview').wait_for(); press(pg, 'Settings'); assert pg.get_by_label('layers', exact=True).input_value()=='[6]'
    pg.get_by_role('tab', name='Compare methods').click()
    for o in ('rome', 'memit', 'grace'): pg.get_by_role('checkbox', name=o, exact=True).uncheck()
    press(pg, 'Compare'); says(pg, '^1 of 1 methods on 1 edit'); assert 'What the model writes' in pg.inner_text('body')
    assert not pg.wrong, pg.wrong
    pg.close()

def drive_lab(pg):
    "Run all cells of the notebook that is open, and open a cell of the map"
    ran = re.compile(r'\[(\*|\d+)\]'); pg.locator('.jp-Notebook-ExecutionIndicator[data-status=idle]').first.wait_for(state='attached')
    for _ in range(10): # a request to run that comes before the kernel is connected is dropped without a word
        pg.get_by_role('menuitem', name='Run', exact=True).click(); pg.get_by_role('menuitem', name='Run All Cells', exact=True).first.click()
        try: pg.locator('.jp-InputPrompt').get_by_text(ran).first.wait_for(timeout=4000); break
        except api.TimeoutError: pass
    app = pg.locator('.enb-app').first; says(app, r'^Exact: \d+ cells'); assert exact(app)==app.locator('.enb-cell').count()
    cell(app, 4, 6).click(); app.get_by_text('With it restored, the model says').wait_for()

def test_jupyterlab(chrome, servers):
    pg = opened(chrome, f'{servers[1]}/lab/tree/lab.ipynb?reset'); pg.set_default_timeout(WAIT//2)
    try: drive_lab(pg)
    except api.TimeoutError: pg.wrong[:] = [o for o in pg.wrong if o.startswith('asks')]; pg.reload(); drive_lab(pg) # on a busy machine its own connection sometimes times out
    assert not pg.wrong, pg.wrong
    pg.close()
