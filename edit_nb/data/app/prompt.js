// A sentence in which the subject is marked; selecting part of it makes that the subject. Traits: see PromptBox in nbs/interact/01a_desk.ipynb

function render({ model: m, el }) {
  const id = "enbp" + Math.random().toString(36).slice(2, 8);
  const add = (tag, cls, parent) => {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    parent.append(e);
    return e;
  };
  el.classList.add("enb-prompt");
  const label = add("label", "enb-label", el), field = add("div", "enb-field", el);
  const back = add("div", "enb-back", field), input = add("input", "", field), hint = add("div", "enb-hint", el);
  label.htmlFor = input.id = id;
  Object.assign(input, { type: "text", spellcheck: false, autocomplete: "off" });

  const mirror = () => {
    // the same text behind the field, invisible but for the mark
    const v = input.value, s = v.includes("{}") ? "{}" : m.get("subject"), i = s ? v.lastIndexOf(s) : -1;
    back.replaceChildren();
    if (i < 0) back.append(v);
    else back.append(v.slice(0, i), Object.assign(document.createElement("mark"), { textContent: s }), v.slice(i + s.length));
    back.scrollLeft = input.scrollLeft;
  };
  const text = () => { label.textContent = m.get("label"); hint.textContent = m.get("hint"); input.placeholder = m.get("placeholder"); };
  const fill = () => { if (input.value !== m.get("value")) input.value = m.get("value"); mirror(); };

  let timer;
  const send = () => {
    clearTimeout(timer);
    if (m.get("value") !== input.value) { m.set("value", input.value); m.save_changes(); }
  };
  const pick = () => {
    const s = input.value.slice(input.selectionStart, input.selectionEnd).trim();
    if (!s || s === input.value.trim() || s === m.get("subject") || input.value.includes("{}")) return;
    send(); m.set("subject", s); m.save_changes(); mirror();
  };
  input.addEventListener("input", () => { mirror(); clearTimeout(timer); timer = setTimeout(send, 250); });
  input.addEventListener("scroll", () => { back.scrollLeft = input.scrollLeft; });
  input.addEventListener("mouseup", () => setTimeout(pick));
  input.addEventListener("keyup", (e) => { if (e.shiftKey || e.key === "Shift") pick(); });
  input.addEventListener("keydown", (e) => {
    e.stopPropagation(); // the notebook has keys of its own
    if (e.key === "Enter") { send(); m.set("entered", m.get("entered") + 1); m.save_changes(); }
  });
  input.addEventListener("blur", send);

  const heard = [["change:value", fill], ["change:subject", mirror], ["change:label", text], ["change:hint", text], ["change:placeholder", text]];
  heard.forEach(([e, f]) => m.on(e, f));
  text(); fill();
  const off = onTheme(el, (dark) => { (el.closest(".enb-app") || el).dataset.enb = dark ? "dark" : "light"; });
  return () => { off(); clearTimeout(timer); heard.forEach(([e, f]) => m.off(e, f)); };
}

export default { render };
