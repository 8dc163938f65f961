"Sphinx settings: names from settings.ini, outputs from the notebooks, every script from the site itself"
from configparser import ConfigParser
from pathlib import Path

here = Path(__file__).resolve().parent
ini = ConfigParser(delimiters=['=']); ini.read(here.parent/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
static = here.parent/'_proc'/'sphinx'/'_static'

project,author,release,html_title,copyright = cfg['title'],cfg['author'],cfg['version'],cfg['title'],cfg['copyright']
extensions = ['myst_nb', 'sphinx.ext.mathjax']
html_theme = 'furo'
html_static_path = [str(static)]
html_favicon = str(here/'favicon.svg')
html_show_sourcelink = html_copy_source = False
nb_execution_mode = 'off'
nb_merge_streams = True
nb_render_markdown_format = 'myst'
myst_enable_extensions = ['dollarmath', 'amsmath', 'colon_fence', 'attrs_inline', 'deflist', 'tasklist']
myst_heading_anchors = 4
suppress_warnings = ['mystnb.unknown_mime_type', 'myst.header']
mathjax_path = 'mathjax/tex-mml-chtml.js'
mathjax3_config = {'options': {'enableMenu': False}} # the menu would fetch its parts from elsewhere
nb_ipywidgets_js = {f'widgets/{o}': {} for o in ('require.js', 'setup.js', 'embed-amd.js') if (static/'widgets'/o).exists()}
