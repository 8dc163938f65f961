// A grid of values with hover, click and keyboard, drawn as SVG. Traits: see HeatMap in nbs/interact/01_heatmap.ipynb

const NS = "http://www.w3.org/2000/svg";

// --- colour
const mix = (a, b, t) => "#" + [1, 3, 5].map((i) => {
  const x = parseInt(a.slice(i, i + 2), 16), y = parseInt(b.slice(i, i + 2), 16);
  return Math.round(x + (y - x) * t).toString(16).padStart(2, "0");
}).join("");

function colour(stops, t) {
  const s = Math.min(1, Math.max(0, t)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(s));
  return mix(stops[i], stops[i + 1], s - i);
}

// --- drawing
function make(tag, attrs, parent, text) {
  const e = document.createElementNS(NS, tag);
  for (const k in attrs) e.setAttribute(k, attrs[k]);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}

const LABEL = 15; // characters of a row label
const short = (s) => (s.length > LABEL ? s.slice(0, LABEL - 1) + "…" : s);

function layout(m, width) {
  const rows = m.get("rows"), nr = rows.length, nc = Math.max(1, m.get("cols").length);
  const left = Math.min(118, 18 + 6.4 * Math.max(3, ...rows.map((o) => Math.min(LABEL, o.length))));
  const cw = Math.min(34, Math.max(4, (width - left - 10) / nc)), ch = nr > 26 ? 15 : nr > 16 ? 18 : 22, top = 4;
  return { nr, nc, left, top, cw, ch, right: left + nc * cw, bottom: top + nr * ch, height: nr * ch + 76 };
}

function frame(svg, m, g, id) {
  // labels, axis, and the bar of colours with its ends named
  const cols = m.get("cols"), marked = new Set(m.get("marked")), every = Math.ceil(26 / g.cw), middle = (g.left + g.right) / 2;
  m.get("rows").forEach((o, r) => {
    const cls = "enb-tok" + (marked.has(r) ? " enb-marked" : "");
    make("text", { x: g.left - 8, y: g.top + (r + 0.5) * g.ch, class: cls }, svg, short(o));
  });
  cols.forEach((o, c) => {
    if (c % every === 0) make("text", { x: g.left + (c + 0.5) * g.cw, y: g.bottom + 13, class: "enb-col" }, svg, o);
  });
  make("text", { x: middle, y: g.bottom + 29, class: "enb-col enb-dim" }, svg, m.get("xlabel"));
  const y = g.bottom + 42, grad = make("linearGradient", { id: id + "g" }, make("defs", {}, svg));
  for (let i = 0; i < 9; i++) make("stop", { offset: i / 8 }, grad);
  make("rect", { x: g.left, y, width: g.right - g.left, height: 6, rx: 3, fill: `url(#${id}g)`, class: "enb-bar" }, svg);
  for (const [x, anchor, end] of [[g.left, "start", "low"], [g.right, "end", "high"]])
    make("text", { x, y: y + 19, "text-anchor": anchor, class: "enb-end", "data-end": end }, svg);
  make("text", { x: middle, y: y + 19, class: "enb-col enb-unit" }, svg);
}

function cells(svg, g, id) {
  // made once per shape; later only repainted, so that progress moves nothing on the page
  const all = [], grid = make("g", { role: "rowgroup" }, svg);
  for (let r = 0; r < g.nr; r++) {
    const row = make("g", { role: "row", "aria-rowindex": r + 1 }, grid);
    all.push([]);
    for (let c = 0; c < g.nc; c++) {
      const at = { x: g.left + c * g.cw + 0.5, y: g.top + r * g.ch + 0.5, width: g.cw - 1, height: g.ch - 1, rx: Math.min(2.5, g.cw / 5) };
      const is = { role: "gridcell", id: `${id}-${r}-${c}`, "aria-colindex": c + 1, "data-r": r, "data-c": c, class: "enb-cell" };
      all[r].push(make("rect", { ...at, ...is }, row));
    }
  }
  return all;
}

const num = (v) => (Math.abs(v) >= 0.0995 || v === 0 ? v.toFixed(2) : Math.abs(v) >= 0.001 ? v.toPrecision(2) : v.toExponential(0));

function paint(svg, all, m, dark) {
  const stops = m.get("scales")[m.get("gray") ? "gray" : m.get("scale")][+dark].split(" ");
  const z = m.get("z"), sure = m.get("sure"), lo = m.get("low"), hi = Math.max(m.get("high"), lo + 1e-9), ends = m.get("ends");
  all.forEach((row, r) => row.forEach((e, c) => {
    const v = (z[r] || [])[c], none = v === null || v === undefined;
    e.style.fill = none ? "" : colour(stops, (v - lo) / (hi - lo));
    e.classList.toggle("enb-none", none);
    e.classList.toggle("enb-guess", !none && !sure[r]);
  }));
  svg.querySelectorAll("stop").forEach((e, i) => e.setAttribute("stop-color", colour(stops, i / 8)));
  svg.querySelector("[data-end=low]").textContent = z.length ? `${num(lo)} ${ends[0] || ""}` : "";
  svg.querySelector("[data-end=high]").textContent = z.length ? `${ends[1] || ""} ${num(hi)}` : "";
  svg.querySelector(".enb-unit").textContent = m.get("unit");
}

// --- what a cell is: for the tip, and for the screen reader
function words(m, r, c) {
  const v = (m.get("z")[r] || [])[c], e = (m.get("err")[r] || [])[c];
  const where = `${m.get("rows")[r]} · ${m.get("colword")} ${m.get("cols")[c]}`;
  if (v === null || v === undefined) return [where, "not computed yet", ""];
  const range = e === null || e === undefined ? "" : ` [${num(Math.max(0, v - e))}, ${num(Math.min(1, v + e))}]`;
  return [where, `${m.get("unit")} = ${v.toFixed(3)}${range}`, m.get("sure")[r] ? m.get("how") : "estimate, the exact value follows"];
}

function tip(box, el, svg, m, g, r, c) {
  const parts = words(m, r, c);
  box.replaceChildren(...["b", "span", "i"].map((tag, i) => Object.assign(document.createElement(tag), { textContent: parts[i] })));
  box.hidden = false;
  const x = g.left + (c + 0.5) * g.cw - box.offsetWidth / 2;
  const y = svg.getBoundingClientRect().top - el.getBoundingClientRect().top + g.top + r * g.ch;
  box.style.left = Math.max(0, Math.min(el.clientWidth - box.offsetWidth, x)) + "px";
  box.style.top = (r > 2 ? y - box.offsetHeight - 7 : y + g.ch + 7) + "px"; // above the cell where there is room
}

const STEP = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
  Home: [0, -1e4], End: [0, 1e4], PageUp: [-1e4, 0], PageDown: [1e4, 0],
};
const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));

// --- the widget
function render({ model: m, el }) {
  const id = "enb" + Math.random().toString(36).slice(2, 9);
  const head = document.createElement("div"), box = document.createElement("div");
  const svg = make("svg", { role: "grid", tabindex: 0, class: "enb-svg" });
  let g, all, dark = false, at = null, width = 0;
  el.classList.add("enb-heat");
  head.className = "enb-title"; box.className = "enb-tip"; box.hidden = true;
  el.append(head, svg, box);

  const ring = (cls, p) => {
    const old = svg.querySelector("." + cls);
    if (!p) { if (old) old.remove(); return; }
    const e = old || make("rect", { class: cls, rx: 3 }, svg);
    const at = { x: g.left + p[1] * g.cw - 0.5, y: g.top + p[0] * g.ch - 0.5, width: g.cw + 1, height: g.ch + 1 };
    for (const k in at) e.setAttribute(k, at[k]);
  };
  const chosen = () => {
    const s = m.get("selected");
    ring("enb-selected", s.length && s[0] < g.nr && s[1] < g.nc ? s : null);
  };
  const move = (p) => {
    at = p; ring("enb-cursor", p);
    if (!p) { box.hidden = true; svg.removeAttribute("aria-activedescendant"); return; }
    const e = all[p[0]][p[1]];
    e.setAttribute("aria-label", words(m, ...p).join(", "));
    svg.setAttribute("aria-activedescendant", e.id);
    tip(box, el, svg, m, g, ...p);
  };
  const open = (p) => {
    m.set("selected", p);
    m.set("clicked", [p[0], p[1], (m.get("clicked")[2] || 0) + 1]);
    m.save_changes();
  };
  const show = () => {
    head.textContent = m.get("title"); head.style.paddingLeft = g.left + "px";
    el.dataset.enb = dark ? "dark" : "light"; el.classList.toggle("enb-gray", m.get("gray"));
    svg.setAttribute("aria-label", `${m.get("title")}: ${g.nr} tokens by ${g.nc} layers. Arrow keys move, Enter opens a cell.`);
    paint(svg, all, m, dark);
    if (at && !box.hidden) tip(box, el, svg, m, g, ...at);
  };
  const build = () => {
    g = layout(m, width || 320); at = null; box.hidden = true;
    svg.replaceChildren();
    svg.setAttribute("width", g.right + 8); svg.setAttribute("height", g.height); svg.style.display = g.nr ? "" : "none";
    frame(svg, m, g, id); all = cells(svg, g, id);
    show(); chosen();
  };

  const cell = (e) => (e.target.dataset && e.target.dataset.r !== undefined ? [+e.target.dataset.r, +e.target.dataset.c] : null);
  svg.addEventListener("mousemove", (e) => { const p = cell(e); if (p && String(p) !== String(at)) move(p); });
  svg.addEventListener("mouseleave", () => move(null));
  svg.addEventListener("click", (e) => { const p = cell(e); if (p) { open(p); move(p); } });
  svg.addEventListener("focus", () => {
    if (g.nr && svg.matches(":focus-visible")) move(at || (m.get("selected").length ? m.get("selected") : [0, 0]));
  });
  svg.addEventListener("blur", () => move(null));
  svg.addEventListener("keydown", (e) => {
    if (!g.nr) return;
    const p = at || [0, 0], d = STEP[e.key];
    if (d) move([clamp(p[0] + d[0], g.nr), clamp(p[1] + d[1], g.nc)]);
    else if (e.key === "Enter" || e.key === " ") open(p);
    else { if (e.key === "Escape") move(null); return; }
    e.preventDefault(); e.stopPropagation(); // or Enter would run the cell of the notebook
  });

  const heard = [["rows cols marked xlabel", build], ["z err sure low high scale gray unit title how ends", () => show()], ["selected", chosen]]
    .flatMap(([names, f]) => names.split(" ").map((o) => ["change:" + o, f]));
  heard.forEach(([e, f]) => m.on(e, f));
  const sized = new ResizeObserver(() => {
    const w = Math.floor(el.clientWidth);
    if (w && w !== width) { width = w; build(); }
  });
  sized.observe(el);
  width = Math.floor(el.clientWidth);
  build();
  const off = onTheme(el, (d) => { dark = d; show(); });
  return () => { off(); sized.disconnect(); heard.forEach(([e, f]) => m.off(e, f)); };
}

export default { render };
