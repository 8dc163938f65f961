"The `show_doc` renderer of the site: signature, docstring and the table of parameters that recent fastcore leaves out"
import inspect

from fastcore.docments import docments
from nbdev.doclinks import NbdevLookup, _lineno
from nbdev.showdoc import BasicMarkdownRenderer

EMPTY = inspect.Parameter.empty

class DocmentsTable(BasicMarkdownRenderer):
    "Heading, link to the source, signature without types, docstring, then a row for each parameter"
    def _repr_markdown_(self):
        doc = f"{'#'*self.title_level} {self.nm}\n\n"
        if src := self._source(): doc += f'[source]({src})\n\n'
        if self.sig is not None: doc += f'```python\n{self._signature()}\n```\n\n'
        return doc + (f'{self.docs}\n\n' if self.docs else '') + self._table()
    def _source(self):
        "nbdev knows a symbol by its full name, a decorated method by its bare one, and gives `#LNone` where it finds no line"
        at = NbdevLookup(); src,known = at.code(self.fn) or at.code(self.nm),at.syms.get(self.fn) or at.syms.get(self.nm)
        if not src: return
        line = _lineno(self.nm, known[1]) if known else None
        return src.split('#')[0] + (f'#L{line}' if line else '')
    def _signature(self):
        ps = [p.replace(annotation=EMPTY) for k,p in self.sig.parameters.items() if k!='self']
        return f'{self.nm}{inspect.Signature(ps)}'
    def _table(self):
        try: d = docments(self.sym, full=True, returns=True, eval_str=False)
        except (TypeError, ValueError, OSError): return ''
        rows = [(k, v) for k,v in d.items() if k!='self' and (v.get('docment') or k!='return')]
        if not any(v.get('docment') for _,v in rows): return ''
        esc = lambda s: str(s).replace('|', '\\|').replace('\n', ' ')
        kind = lambda a: '' if a in (EMPTY, None, type(None)) else f"`{esc(a.__name__ if isinstance(a, type) else a)}`"
        default = lambda v: '' if v.get('default', EMPTY) is EMPTY else f"`{esc(v['default'])}`"
        res = '| | **Type** | **Default** | **Details** |\n|---|---|---|---|\n'
        for k,v in rows:
            last = k=='return'
            res += f"| {'**Returns**' if last else f'`{k}`'} | {kind(v.get('anno'))} | {'' if last else default(v)} | {esc(v.get('docment') or '')} |\n"
        return res
