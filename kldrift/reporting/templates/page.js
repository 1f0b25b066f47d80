"use strict";
(async () => {
  const packed = atob(document.getElementById("kldrift-data").textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = await new Response(stream).json();
  const root = document.querySelector("main.kldrift");
  const list = root.querySelector("ol.rows");
  const namespace = (root.querySelector("svg") || {}).namespaceURI;

  // Names of the data are set as text and never as markup.
  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const drawn = (name, attributes, text) => {
    const made = document.createElementNS(namespace, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  };
  const svg = ([width, height, title, about, shapes, labels]) => {
    const made = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": title });
    if (about) made.append(drawn("desc", {}, about));
    for (const [style, d, tip] of shapes) {
      const path = drawn("path", { class: style, d });
      if (tip) path.append(drawn("title", {}, tip));
      made.append(path);
    }
    for (const [x, y, text, anchor] of labels) made.append(drawn("text", { x, y, "text-anchor": anchor }, text));
    return made;
  };
  const wide = (content, title) => {
    const made = element("div", "", { class: "wide", tabindex: 0, role: "group", "aria-label": title });
    made.append(content);
    return made;
  };
  const facts = (items) => {
    const made = element("dl");
    for (const [name, value] of items) {
      const pair = element("div");
      pair.append(element("dt", name), element("dd", value));
      made.append(pair);
    }
    return made;
  };
  const table = (head, rows, numbers) => {
    const line = (cells, name) => {
      const made = element("tr");
      cells.forEach((text, place) => {
        const cell = element(name, "", place >= numbers ? { class: "n" } : {});
        cell.append(element("bdi", text));
        made.append(cell);
      });
      return made;
    };
    const made = element("table"), top = element("thead"), body = element("tbody");
    top.append(line(head, "th"));
    rows.forEach((row) => body.append(line(row, "td")));
    made.append(top, body);
    return made;
  };
  const block = (level) => ([kind, title, ...rest]) => {
    const made = element("section");
    made.append(element(level, title));
    if (kind === "chart") made.append(wide(svg(rest[0]), title));
    if (kind === "facts") made.append(facts(rest[0]));
    if (kind === "table") {
      if (rest[1].length) made.append(wide(table(...rest), title));
      if (rest[3]) made.append(element("p", rest[3]));
    }
    return made;
  };

  // Rows after the first are drawn when they come into view, and opened when somebody asks.
  const later = (row) => data.rows[Number(row.dataset.at) - data.first];
  const draw = (row) => {
    const place = row.querySelector(".charts");
    if (!later(row) || place.children.length) return;
    later(row)[0].forEach((chart, at) => {
      const part = element("div", "", { class: `c${at + 1}` });
      if (chart) part.append(svg(chart));
      place.append(part);
    });
  };
  const cards = list ? [...list.children] : [];
  const rows = list ? [...list.querySelectorAll(".row")] : [];
  const drawable = list ? [...list.querySelectorAll("[data-at]")] : [];
  const watched = new IntersectionObserver(
    (seen) => seen.forEach((one) => one.isIntersecting && (draw(one.target), watched.unobserve(one.target))),
    { rootMargin: "600px" });
  drawable.filter(later).forEach((row) => watched.observe(row));
  root.addEventListener("toggle", (event) => {
    const row = event.target.matches(".more") && event.target.closest(".row");
    const place = row && row.querySelector(".blocks");
    const level = row && row.parentElement === list ? "h3" : "h4";
    if (place && later(row) && !place.children.length) place.append(...later(row)[1].map(block(level)));
    if (place && event.target.open) tell(row);
  }, true);
  const open = (row) => {
    const inside = row.parentElement.closest(".inside");
    if (inside) inside.open = true;
  };
  addEventListener("beforeprint", () => { rows.forEach(open); drawable.forEach(draw); });

  // An address that ends with #feature opens its row, and is that of the row that was opened last.
  const name = (row) => row.querySelector(".name").textContent;
  const tell = (row) => {
    try { history.replaceState(null, "", `#${encodeURIComponent(name(row))}`); } catch { /* a frame that has no address */ }
  };
  const find = () => {
    let wanted = location.hash.slice(1);
    try { wanted = decodeURIComponent(wanted); } catch { /* a sign that is none of an address: as it stands */ }
    const row = wanted && rows.find((one) => name(one) === wanted);
    if (!row) return;
    row.hidden = false;
    open(row);
    const more = row.querySelector(".more");
    if (more) more.open = true;
    row.scrollIntoView();
  };
  addEventListener("hashchange", find);
  find();

  const all = root.querySelector("button.all");
  if (all) {
    all.hidden = false;
    all.addEventListener("click", () => {
      all.parentElement.querySelector(".wide").replaceChildren(svg(data.heat[2]));
      all.remove();
    });
  }

  const form = root.querySelector("form.controls");
  if (!form) return;
  form.hidden = false;
  const words = (one) => one.querySelector(".what").textContent.toLowerCase();
  const text = new Map(rows.map((row) => [row, words(row)]));
  const inside = new Map(cards.map((card) => [card, rows.filter((row) => card.contains(row))]));
  const order = {
    worst: (a, b) => a.dataset.at - b.dataset.at,
    name: (a, b) => name(a).localeCompare(name(b), undefined, { numeric: true }),
    since: (a, b) => b.dataset.windows - a.dataset.windows || a.dataset.at - b.dataset.at,
  };
  const show = () => {
    const wanted = form.elements.search.value.toLowerCase();
    const severities = new Set([...form.querySelectorAll("input:checked")].map((box) => box.value));
    let count = 0;
    for (const card of cards) {
      const all = words(card).includes(wanted);
      for (const row of inside.get(card)) {
        row.hidden = !severities.has(row.dataset.severity) || !(all || text.get(row).includes(wanted));
        count += !row.hidden;
        if (wanted && !all && !row.hidden) open(row);
      }
      if (!rows.includes(card)) card.hidden = inside.get(card).every((row) => row.hidden);
    }
    form.querySelector("output").textContent = `${count} of ${rows.length} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.sort.addEventListener("change", () => {
    const compare = order[form.elements.sort.value];
    const first = new Map(cards.map((card) => [card, inside.get(card).sort(compare)[0]]));
    cards.sort((a, b) => compare(first.get(a), first.get(b)));
    const within = (card) => card.querySelector("ol.rows");
    cards.filter(within).forEach((card) => within(card).replaceChildren(...inside.get(card)));
    list.replaceChildren(...cards);
  });
  show();
})();
