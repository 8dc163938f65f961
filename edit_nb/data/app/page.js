// Shared by the widgets: is the page light or dark?

function isDark(el) {
  // the first background behind the element (behind the app it is in) decides
  for (let e = (el.closest(".enb-app") || el).parentElement; e; e = e.parentElement) {
    const m = getComputedStyle(e).backgroundColor.match(/[\d.]+/g);
    if (m && (m.length < 4 || +m[3] > 0.5)) return 0.299 * m[0] + 0.587 * m[1] + 0.114 * m[2] < 110;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function onTheme(el, tell) {
  // calls tell(dark) once the element is on the page and whenever the page changes; returns a function that stops it
  let was = null, off = false;
  const look = () => {
    if (off) return;
    if (!el.isConnected) { setTimeout(look, 40); return; }
    const dark = isDark(el);
    if (dark !== was) tell((was = dark));
  };
  const soon = () => setTimeout(look, 60);
  const seen = new MutationObserver(soon), media = matchMedia("(prefers-color-scheme: dark)");
  for (const e of [document.documentElement, document.body]) seen.observe(e, { attributes: true });
  media.addEventListener("change", soon);
  look();
  return () => { off = true; seen.disconnect(); media.removeEventListener("change", soon); };
}
