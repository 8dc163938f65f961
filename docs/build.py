"""The site, in docs/_site: nbdev's processors -> MyST notebooks -> Sphinx, myst-nb and furo. No Quarto, no request to another host.

    python docs/build.py           # outputs come from the notebooks; only imports and exported cells run, for show_doc
    python docs/build.py --quick   # without running anything: no parameter tables"""
import ast, html, json, os, re, shutil, subprocess, sys, tarfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
WORK,SITE = ROOT/'_proc',ROOT/'docs'/'_site'
SRC,ASSETS = WORK/'sphinx',WORK/'assets'
LAYERS = 'tutorials', 'core', 'locate', 'evaluate', 'methods', 'interact', 'benchmarks'
TOP = 'start', 'gallery', 'guide', 'glossary', 'easyedit', 'cli' # pages beside the first one, in this order
PAGES = 'CONTRIBUTING', 'CHANGELOG' # Markdown files of the project that are pages too
CALLOUTS = 'note', 'tip', 'warning', 'important', 'caution'
os.environ.update(IN_TEST='1', MPLBACKEND='agg', HF_HUB_OFFLINE='1')
sys.path[:0] = [str(ROOT), str(ROOT/'tests'), str(ROOT/'docs')]

# --- nbdev's processing
def needed(cell):
    "Whether `show_doc` needs `cell` to run: exported code, a cell of imports only, or `show_doc` itself"
    tree = cell.parsed_() if cell.cell_type=='code' and cell.source and 'nbdev_export(' not in cell.source else None
    if not tree or cell.directives_.get('eval:', [''])[0].lower()=='false': return False
    return bool(cell.directives_.keys() & {'export', 'exports', 'exporti', 'exec_doc'} or cell.source.lstrip().startswith('show_doc')
                or '\nshow_doc(' in cell.source or all(isinstance(o, (ast.Import, ast.ImportFrom)) for o in tree))

def processors(quick):
    "nbdev's processors for documentation, with our `show_doc` table and without the state of widgets of other pages"
    from nbdev import processors as P
    from nbdev.config import get_config
    get_config().d['renderer'] = 'show_table.DocmentsTable'
    class ShowDocs(P.exec_show_docs):
        def __call__(self, cell):
            if self.nb.has_docs_ and needed(cell): self.k.cell(cell)
            if self.k.exc: raise RuntimeError(f'this cell fails:\n{cell.source}') from self.k.exc
        def end(self): pass
    def named(cell): # a decorated method would lose its class
        if m := re.fullmatch(r'show_doc\(([\w.]+)\)', cell.source or ''): cell.set_source(f"show_doc({m[1]}, name='{m[1]}')")
    drop = {P.FrontmatterProc} | ({P.exec_show_docs, P.add_show_docs} if quick else set())
    swap = {P.exec_show_docs: [ShowDocs], P.add_show_docs: [P.add_show_docs, named]}
    return [p for o in P.FilterDefaults().base_procs() if o not in drop for p in swap.get(o, [o])]

def process(path, procs):
    "The notebook at `path` as nbdev documents it"
    from execnb.nbio import nb2dict, read_nb
    from nbdev.process import NBProcessor
    nb = read_nb(path); cwd = os.getcwd(); os.chdir(path.parent)
    try: NBProcessor(nb=nb, procs=procs).process()
    finally: os.chdir(cwd)
    return nb2dict(nb)

# --- from Quarto's Markdown to MyST
def divs(md):
    "Fenced divs: callouts become admonitions"
    def f(m):
        attrs = m[2]; c = re.search(r'\.callout-(\w+)', attrs)
        if not c: return m[1]+'{div} '+' '.join(re.findall(r'(?<![\w"])\.([\w-]+)', attrs))
        kind = c[1] if c[1] in CALLOUTS else 'note'
        title = re.search(r'title="([^"]*)"', attrs); fold = '\n:class: dropdown' if 'collapse="true"' in attrs else ''
        return f'{m[1]}{{admonition}} {title[1]}\n:class: {kind}' if title else f'{m[1]}{{{kind}}}{fold}'
    return re.sub(r'^(:{3,})\s*\{([^}]*)\}\s*$', f, md, flags=re.M)

def headings(md):
    "`# x {#id}` becomes a target; attributes after links go"
    md = re.sub(r'^(#+ .*?)\s*\{#([\w-]+)[^}]*\}\s*$', r'(\2)=\n\1', md, flags=re.M)
    return re.sub(r'(\]\([^)]*\))\{[^}]*\}', r'\1', md)

BADGE = re.compile(r'\[!\[Open in Colab\]\([^)]*\)\]\((https://colab[^)\s]*)\)')

def badges(md):
    "Badges with the picture that the site brings along"
    return BADGE.sub(r'[![Open in Colab](/colab.svg)](\1)', md)

def anchor(name):
    "Target of a symbol; ids know no case, and `Record` and `record` may share a page"
    return ('class-' if name[0].isupper() else 'def-')+name.lower().strip('_')

def target(md):
    "The target of its symbol before the heading of a `show_doc`"
    return re.sub(r'^#{2,4} ([\w.\\]+)\s*$', lambda m: f"({anchor(m[1].replace(chr(92), ''))})=\n{m[0]}", md, count=1, flags=re.M)

class Links:
    "Where pages and symbols are: turns nbdev's absolute links and links between notebooks into relative ones"
    def __init__(self, cfg, notebooks, nbs):
        from nbdev.doclinks import _nbpath2html
        self.base = f'{cfg.doc_host}{cfg.doc_baseurl}'.rstrip('/')
        html = {o: _nbpath2html(o.relative_to(nbs)) for o in notebooks}
        self.page = {o.relative_to(nbs).as_posix(): h.with_suffix('.ipynb').as_posix() for o,h in html.items()}
        self.of_html = {h.as_posix(): h.with_suffix('.ipynb').as_posix() for h in html.values()}
        self.anchors = {}
    def add(self, page, nb):
        self.anchors[page] = {m for c in nb['cells'] for m in re.findall(r'^show_doc\(([\w.]+)', ''.join(c['source']), flags=re.M)}
    def __call__(self, md, here):
        rel = lambda p: os.path.relpath(p, Path(here).parent)
        def symbol(m):
            name,page = m[1].removesuffix('()'),m[2].partition('#')[0]
            if page not in self.of_html: return m[0]
            page = self.of_html[page]; known = self.anchors.get(page, ())
            at = next((o for o in (name, name.rpartition('.')[0], name.split('.')[-1]) if o in known), '') # a method without its own entry: its class
            return f'[`{m[1]}`]({rel(page)}#{anchor(at)})' if at else f'[`{m[1]}`]({rel(page)})'
        def notebook(m):
            p = os.path.normpath(Path(self.source[here]).parent/m[1])
            return f"({rel(self.page[p])}{m[2] or ''})" if p in self.page else m[0]
        md = re.sub(r'\[`([^`]+)`\]\('+re.escape(self.base)+r'/([^)\s]+)\)', symbol, md)
        return re.sub(r'\((?!https?:)([^()\[\]\s#]+\.ipynb)(#[^)\s]*)?\)', notebook, md)
    @property
    def source(self): return {v: k for k,v in self.page.items()}

# --- cells
def title_cell(src, name):
    "Front matter as a heading"
    fm = yaml.safe_load(src.strip().strip('-')) or {}
    return f"# {fm.get('title', name)}\n" + (f"\n> {fm['description']}\n" if fm.get('description') else '')

def code_cell(c, links, here):
    "Cells of the page for one processed code cell: none when hidden, Markdown for a `show_doc`"
    src = ''.join(c['source']); body = re.sub(r'^#\|.*\n?', '', src, flags=re.M).strip()
    opts = {k: v.strip() for k,v in re.findall(r'^#\|\s*([\w-]+):\s*(.*)$', src, flags=re.M)}
    if opts.get('include')=='false': return []
    text = lambda o: ''.join(o.get('data', {}).get('text/markdown', []) or o.get('text', []))
    if body.startswith('show_doc') or opts.get('output')=='asis':
        return [dict(cell_type='markdown', id=f"{c['id']}{i}", metadata={}, source=links(target(headings(divs(text(o)))), here))
                for i,o in enumerate(c.get('outputs', [])) if text(o)]
    tags = [t for k,v,t in (('echo', 'false', 'remove-input'), ('output', 'false', 'remove-output')) if opts.get(k)==v]
    if 'code-fold' in opts: tags.append('hide-input')
    for o in c.get('outputs', []):
        if 'text/markdown' in o.get('data', {}): o['data']['text/markdown'] = links(text(o), here)
    outs = [o for o in c.get('outputs', []) if o.get('name')!='stderr']
    return [dict(cell_type='code', id=c['id'], metadata=dict(tags=tags), source=body, outputs=outs, execution_count=None)]

def page(nb, here, links):
    "The notebook of one page of the site"
    cells = []
    for i,c in enumerate(nb['cells']):
        src = ''.join(c['source'])
        if c['cell_type']=='raw' and i==0 and src.strip().startswith('---'): src = title_cell(src, here)
        elif c['cell_type']=='code': cells += code_cell(c, links, here); continue
        elif c['cell_type']!='markdown' or 'AUTOGENERATED' in src: continue
        cells.append(dict(cell_type='markdown', id=c.get('id', f'm{i}'), metadata={}, source=links(badges(headings(divs(src))), here)))
    keep = {k: v for k,v in nb['metadata'].items() if k in ('kernelspec', 'widgets')}
    return dict(cells=cells, metadata=keep, nbformat=4, nbformat_minor=5)

def toctree(pages):
    "Sidebar: pages at the top, then one section for every folder, in the order of the layers and the notebooks' numbers"
    key = lambda d: (LAYERS.index(d) if d in LAYERS else len(LAYERS), d)
    first = lambda v: (TOP.index(Path(v).stem) if Path(v).stem in TOP else len(TOP), v)
    block = lambda names,cap: '```{toctree}\n:hidden:\n' + (f':caption: {cap}\n' if cap else '') + '\n' + '\n'.join(names) + '\n```'
    names = {d: [] for d in sorted({str(Path(k).parent) for k in pages}, key=key)}
    for k,v in sorted(pages.items()):
        if v!='index.ipynb': names[str(Path(k).parent)].append(v.removesuffix('.ipynb'))
    top = sorted(names.pop('.', []), key=first)
    tail = [o.lower() for o in PAGES]
    return '\n\n'.join([block(top, '')]*bool(top) + [block(v, d) for d,v in names.items()] + [block(tail, 'project')])

# --- what pages load: from packages, once, into _proc/assets; a page without them still asks nothing of another host
NPM = {'mathjax@3.2.2': {'es5/tex-mml-chtml.js': 'mathjax/tex-mml-chtml.js', 'es5/output/chtml/fonts/woff-v2': 'mathjax/output/chtml/fonts/woff-v2'},
       'requirejs@2.3.8': {'require.js': 'widgets/require.js'},
       '@jupyter-widgets/html-manager@1.0.15': {'dist/embed-amd.js': 'widgets/embed-amd.js'}}
SETUP = "requirejs.config({paths: {anywidget: document.currentScript.src.replace(/setup\\.js.*$/, 'anywidget')}});\n"

def unpack(pack, files):
    "Copy `files` of an npm package into the assets"
    d = WORK/'npm'; d.mkdir(parents=True, exist_ok=True)
    name = subprocess.run(['npm', 'pack', '--silent', pack], cwd=d, capture_output=True, text=True, check=True, timeout=120).stdout.split()[-1]
    with tarfile.open(d/name) as t: t.extractall(d/'x', filter='data')
    for a,b in files.items():
        to = ASSETS/b; to.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (d/'x'/'package'/a).is_dir() else shutil.copy)(d/'x'/'package'/a, to)
    shutil.rmtree(d)

def assets():
    "Gather MathJax, require.js and the widget manager; say what is missing"
    for pack,files in NPM.items():
        if all((ASSETS/b).exists() for b in files.values()): continue
        try: unpack(pack, files)
        except (OSError, subprocess.SubprocessError, tarfile.TarError) as e: print(f'without {pack}: {type(e).__name__} (npm is needed to fetch it)')
    widget = Path(sys.prefix)/'share/jupyter/nbextensions/anywidget/index.js'
    if (ASSETS/'widgets').exists():
        (ASSETS/'widgets'/'setup.js').write_text(SETUP)
        if widget.exists(): shutil.copy(widget, ASSETS/'widgets'/'anywidget.js')
    ASSETS.mkdir(parents=True, exist_ok=True)

def outside(site):
    "Addresses that pages of the site would fetch from another host"
    res = set()
    for p in site.rglob('*.html'):
        for tag in re.findall(r'<(?:script|img|iframe|source|link)\b[^>]*>', p.read_text(encoding='utf-8')):
            if re.search(r'rel="(canonical|next|prev|author|edit)"', tag): continue
            res |= {f'{p.relative_to(site)}: {html.unescape(u)}' for u in re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', tag)}
    return sorted(res)

# --- all of it
def write_sources(quick):
    "Write the MyST notebooks of every page to `SRC`"
    from nbdev.config import get_config
    from nbrun import NBS, notebooks
    nbs = notebooks(); cfg = get_config(path=ROOT); links = Links(cfg, nbs, NBS); procs = processors(quick); done = {}
    for p in nbs:
        here = links.page[p.relative_to(NBS).as_posix()]
        done[here] = process(p, procs); links.add(here, done[here])
        print(f'  {p.relative_to(ROOT)}', flush=True)
    shutil.rmtree(SRC, ignore_errors=True); SRC.mkdir(parents=True)
    pages = {k: page(nb, k, links) for k,nb in done.items()}
    index = pages.setdefault('index.ipynb', dict(cells=[dict(cell_type='markdown', id='t', metadata={}, source=f'# {cfg.title}\n\n{cfg.description}')],
                                                 metadata={}, nbformat=4, nbformat_minor=5))
    index['cells'].append(dict(cell_type='markdown', id='toc', metadata={}, source=toctree(links.page)))
    for o in PAGES: (SRC/f'{o.lower()}.md').write_text(re.sub(r'^<!--.*?-->\n', '', (ROOT/f'{o}.md').read_text(encoding='utf-8'), flags=re.M), encoding='utf-8')
    shutil.copy(ROOT/'docs'/'colab.svg', SRC)
    for k,nb in pages.items(): (SRC/k).parent.mkdir(parents=True, exist_ok=True); (SRC/k).write_text(json.dumps(nb))

def main():
    os.chdir(ROOT); quick = '--quick' in sys.argv
    assets(); write_sources(quick)
    shutil.copytree(ASSETS, SRC/'_static', dirs_exist_ok=True)
    html = WORK/'html'; shutil.rmtree(html, ignore_errors=True)
    rc = subprocess.call([sys.executable, '-m', 'sphinx', '-q', '-b', 'html', '-c', str(ROOT/'docs'), '-E', '-d', str(WORK/'doctrees'), '-j', '2', str(SRC), str(html)])
    if rc: return rc
    shutil.rmtree(SITE, ignore_errors=True); shutil.copytree(html, SITE, ignore=shutil.ignore_patterns('.buildinfo', 'jupyter_execute', '.doctrees'))
    (SITE/'.nojekyll').touch()
    if bad := outside(SITE): print('pages that ask another host:', *bad, sep='\n  '); return 1
    print(f'{len(list(SITE.rglob("*.html")))} pages in {SITE.relative_to(ROOT)}')

if __name__=='__main__': sys.exit(main())
