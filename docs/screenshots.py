"""Pictures of the apps and of pages of the site, in docs/screenshots; run by hand after `python docs/build.py`.

    python docs/screenshots.py [site folder]"""
import io, os, signal, sys, tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT/'tests')]
from test_browser import FLAGS, VOILA, cell, chromium, press, says, serve, up

OUT,LIMIT = ROOT/'docs'/'screenshots', 60_000 # bytes of a picture
PAGES = 'index', 'tutorials/where_is_a_fact', 'locate/causal_trace', 'methods/rome', 'interact/edit_app'

def keep(name, png):
    "Write a picture as sharp as fits"
    im = Image.open(io.BytesIO(png)).convert('RGB')
    for q in range(85, 20, -5):
        f = io.BytesIO(); im.save(f, 'WEBP', quality=q, method=6)
        if f.tell() < LIMIT: break
    (OUT/f'{name}.webp').write_bytes(f.getvalue()); print(f'{name}.webp', im.size, f'{f.tell()/1000:.0f} kB, quality {q}', flush=True)

def app(pg, name, height=None):
    "The app that is to be seen, at most `height` pixels of it"
    box = pg.locator('.enb-app:visible').first; b = box.bounding_box()
    pg.mouse.move(2, 2); pg.wait_for_timeout(400)
    keep(name, pg.screenshot(clip={**b, 'height': min(b['height'], height or 1e9)}))

def apps(browser, theme, folder):
    "Trace a fact, change it, compare methods; in the dark the first only"
    run = serve(folder, 'voila', str(ROOT/'nbs'/'apps.ipynb'), *VOILA, f'--theme={theme}')
    try:
        pg = browser.new_page(viewport=dict(width=1100, height=3000)); pg.set_default_timeout(200_000); pg.goto(up(*run))
        says(pg, r'^Exact: \d+ cells'); cell(pg, 4, 4).click(); pg.get_by_text('With it restored').wait_for()
        if theme=='dark': return app(pg, 'trace_app_dark')
        app(pg, 'trace_app')
        pg.get_by_role('tab', name='Change a fact').click(); press(pg, 'Preview'); says(pg, '^Preview of rome'); app(pg, 'edit_app', 1380)
        pg.get_by_role('tab', name='Compare methods').click(); pg.get_by_label('Facts', exact=True).select_option('facts of the built-in world')
        pg.get_by_label('How many').fill('2'); pg.get_by_label('How many').press('Tab')
        press(pg, 'Compare'); says(pg, ' methods on '); app(pg, 'compare_app', 1150)
    finally: os.killpg(run[0].pid, signal.SIGTERM); run[0].wait(30)

def main():
    OUT.mkdir(exist_ok=True); site = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT/'docs'/'_site').resolve()
    with sync_playwright() as p, tempfile.TemporaryDirectory() as d:
        b = p.chromium.launch(executable_path=chromium(p), args=FLAGS)
        for theme in ('light', 'dark'): apps(b, theme, Path(d))
        pg = b.new_page(viewport=dict(width=1200, height=800))
        for o in PAGES:
            pg.goto((site/f'{o}.html').as_uri()); pg.wait_for_timeout(1500); keep('site_'+o.split('/')[-1], pg.screenshot())
        b.close()

if __name__=='__main__': main()
