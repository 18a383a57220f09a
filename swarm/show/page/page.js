  const PAGE = 50;
  const PRINTED = 2000;
  const at = (id) => document.getElementById(id);
  const told = (number) => number.toLocaleString("en-US");
  const [ID, SEVERITY, STATUS, LINE, FIRST, LAST, SIGHTINGS, FILE, RULE, DOMAIN, WHAT, REASON, SYMBOL, QUOTE, ADVICE, EVIDENCE] =
    Array.from({ length: 16 }, (_, index) => index);
  const GRAVITY = EVIDENCE + 1;

  const SIGNS = { new: "+", recurring: "↻", unverified: "?", approved: "✓", fixed: "✓", deferred: "‖", rejected: "✕" };
  const TONES = { fixed: "good", approved: "good", deferred: "quiet", rejected: "quiet", unverified: "warn", recurring: "warn", new: "quiet" };
  const TOLD_AT_ONCE = new Set(["deferred", "rejected", "unverified"]);
  const ORDERS = {
    gravity: ["Gravest first", [GRAVITY]],
    where: ["Path", [FILE, LINE, GRAVITY]],
    rule: ["Rule", [RULE, GRAVITY]],
    status: ["Status", [STATUS, GRAVITY]],
    waves: ["First wave", [FIRST, LAST, GRAVITY]],
    last: ["Last wave", [LAST, FIRST, GRAVITY]],
    id: ["Id", [ID]],
  };
  const COLUMNS = [
    ["severity", "Severity", "gravity"], ["where", "Where", "where"], ["what", "What", null], ["rule", "Rule", "rule"],
    ["status", "Status", "status"], ["waves", "Waves", "waves"], ["id", "Id", "id"],
  ];
  const NAMES = ["q", "severity", "status", "domain", "rule", "wave", "sort", "page"];
  const INITIAL = { q: "", severity: [], status: "open", domain: "", rule: "", wave: "", sort: "gravity", page: 1 };

  let state = { ...INITIAL };
  let data = null;
  let found = [];
  let haystack = null;
  const orders = new Map();
  const unfolded = new Set();

  const spell = (rows) => {
    // A text stands in the rows once; every other time its number stands there.
    const texts = [];
    for (const row of rows) {
      for (let column = FILE; column <= EVIDENCE; column += 1) {
        if (typeof row[column] === "string") texts.push(row[column]);
        else row[column] = texts[row[column]];
      }
    }
  };
  const take = (fresh) => {
    fresh.rows.forEach((row, index) => { row[GRAVITY] = index; });
    data = fresh;
    haystack = null;
    orders.clear();
  };

  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const signed = (className, sign, word) => {
    const element = make("span", className);
    const icon = make("span", "icon", sign);
    icon.setAttribute("aria-hidden", "true");
    element.append(icon, " " + word);
    return element;
  };

  const options = (id, pairs) => at(id).replaceChildren(...pairs.map(([value, label]) => {
    const option = make("option", "", label);
    option.value = value;
    return option;
  }));
  const countedBy = (column) => {
    const counts = new Map();
    for (const row of data.rows) counts.set(row[column], (counts.get(row[column]) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .map(([value, count]) => [value, `${value.length > 60 ? value.slice(0, 59) + "…" : value} (${told(count)})`]);
  };

  const fillFilters = () => {
    for (const [word, sign] of data.severities) {
      const label = make("label", "toggle " + word.toLowerCase());
      const box = make("input");
      box.type = "checkbox";
      box.value = word;
      label.append(box, signed("", sign, word));
      at("severity").append(label);
    }
    options("status", [["open", "open"], ["all", "all"], ...data.statuses.map((status) => [status, status])]);
    options("sort", Object.entries(ORDERS).map(([name, [label]]) => [name, label]));
    for (const [name, label, order] of COLUMNS) {
      const head = make("th", "c-" + name);
      head.scope = "col";
      const button = make("button", "", label);
      button.type = "button";
      if (order) button.addEventListener("click", () => change({ sort: order === state.sort ? "-" + order : order }));
      else button.disabled = true;
      head.append(button);
      at("heads").append(head);
    }
  };

  const fillChoices = () => {
    for (const [id, all, pairs] of [
      ["domain", "every domain", countedBy(DOMAIN)],
      ["rule", "every rule", countedBy(RULE)],
      ["wave", "any wave", data.waves.map((wave) => [String(wave), `wave ${wave}`])],
    ]) {
      const chosen = state[id];
      // A choice stays, also where none of the findings has it any more.
      const gone = chosen && !pairs.some(([value]) => value === chosen);
      options(id, [["", all], ...pairs, ...(gone ? [[chosen, `${chosen} (0)`]] : [])]);
    }
  };

  const sorted = (name) => {
    if (!orders.has(name)) {
      const keys = ORDERS[name][1];
      orders.set(name, [...data.rows].sort((a, b) => {
        for (const key of keys) if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1;
        return 0;
      }));
    }
    return orders.get(name);
  };

  const keeps = () => {
    const tests = [];
    const severities = new Set(state.severity.map((word) => data.severities.findIndex(([name]) => name === word)));
    if (severities.size) tests.push((row) => severities.has(row[SEVERITY]));
    if (state.status === "open") {
      const open = new Set(data.open);
      tests.push((row) => open.has(row[STATUS]));
    } else if (state.status !== "all") {
      const status = data.statuses.indexOf(state.status);
      tests.push((row) => row[STATUS] === status);
    }
    if (state.domain) tests.push((row) => row[DOMAIN] === state.domain);
    if (state.rule) tests.push((row) => row[RULE] === state.rule);
    if (state.wave) tests.push((row) => row[FIRST] === Number(state.wave));
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) {
      haystack ??= data.rows.map((row) => [row[ID], row[FILE] + ":" + row[LINE], row[RULE], row[WHAT], row[SYMBOL]].join("\n").toLowerCase());
      tests.push((row) => words.every((word) => haystack[row[GRAVITY]].includes(word)));
    }
    return (row) => tests.every((test) => test(row));
  };

  const pages = () => Math.max(1, Math.ceil(found.length / PAGE));

  const whereCell = (row) => {
    const code = make("code");
    const cut = row[FILE].lastIndexOf("/") + 1;
    if (!row[FILE]) code.textContent = "(no file)";
    else code.append(make("span", "folder", row[FILE].slice(0, cut)), row[FILE].slice(cut), make("span", "line", row[LINE] ? ":" + row[LINE] : ""));
    return code;
  };
  const more = (row) => {
    const list = make("dl", "more");
    const entries = [["Code", row[QUOTE].trim(), "code"], ["In", row[SYMBOL], "code"], ["Recommended", row[ADVICE]], ["Reason", row[REASON]], ["Evidence", row[EVIDENCE]],
      ["Domain", row[DOMAIN]], ["Seen", `${told(row[SIGHTINGS])} × in ${row[FIRST] === row[LAST] ? "wave " + row[FIRST] : `waves ${row[FIRST]} to ${row[LAST]}`}`]];
    for (const [name, text, kind] of entries) {
      if (!text) continue;
      const pair = make("div");
      const value = make("dd");
      value.append(make(kind ?? "span", "", text));
      pair.append(make("dt", "", name), value);
      list.append(pair);
    }
    return list;
  };
  const detailOf = (row) => {
    const line = make("tr", "detail");
    line.setAttribute("role", "row");
    const cell = make("td");
    cell.setAttribute("role", "cell");
    cell.colSpan = COLUMNS.length;
    cell.append(more(row));
    line.append(cell);
    return line;
  };
  const whatCell = (row) => {
    const button = make("button", "what");
    button.type = "button";
    button.setAttribute("aria-expanded", String(unfolded.has(row[ID])));
    button.append(make("span", "", row[WHAT]));
    button.addEventListener("click", () => {
      const line = button.closest("tr");
      const opens = !unfolded.has(row[ID]);
      button.setAttribute("aria-expanded", String(opens));
      if (opens) {
        unfolded.add(row[ID]);
        line.after(detailOf(row));
      } else {
        unfolded.delete(row[ID]);
        line.nextElementSibling.remove();
      }
    });
    return button;
  };
  const cells = {
    severity: (row) => signed("", data.severities[row[SEVERITY]][1], data.severities[row[SEVERITY]][0]),
    where: whereCell,
    what: whatCell,
    rule: (row) => make("code", "", row[RULE]),
    status: (row) => {
      const status = data.statuses[row[STATUS]];
      const cell = document.createDocumentFragment();
      cell.append(signed("chip " + TONES[status], SIGNS[status], status));
      if (row[REASON] && TOLD_AT_ONCE.has(status)) cell.append(make("span", "reason", row[REASON]));
      return cell;
    },
    waves: (row) => document.createTextNode(row[FIRST] === row[LAST] ? String(row[FIRST]) : `${row[FIRST]}–${row[LAST]}`),
    id: (row) => make("code", "", row[ID]),
  };
  const rowOf = (row) => {
    const line = make("tr");
    line.dataset.id = row[ID];
    // The narrow layout is not a table to the eye; to a screen reader it stays one.
    line.setAttribute("role", "row");
    for (const [name] of COLUMNS) {
      const cell = make("td", "c-" + name + (name === "severity" ? " " + data.severities[row[SEVERITY]][0].toLowerCase() : ""));
      cell.setAttribute("role", "cell");
      cell.append(cells[name](row));
      line.append(cell);
    }
    return line;
  };

  const showRows = (from, until) => at("rows").replaceChildren(...found.slice(from, until).flatMap((row) =>
    unfolded.has(row[ID]) ? [rowOf(row), detailOf(row)] : [rowOf(row)]));
  const show = () => {
    const backward = state.sort.startsWith("-");
    const order = backward ? state.sort.slice(1) : state.sort;
    found = sorted(order).filter(keeps());
    if (backward) found.reverse();
    state.page = Math.min(Math.max(1, state.page), pages());
    const from = (state.page - 1) * PAGE;
    showRows(from, from + PAGE);
    const until = Math.min(from + PAGE, found.length);
    at("count").textContent = found.length
      ? `${told(from + 1)}–${told(until)} of ${told(found.length)} that match, of ${told(data.rows.length)} in all`
      : `0 that match, of ${told(data.rows.length)} in all`;
    at("none").hidden = found.length > 0;
    at("table").hidden = found.length === 0;
    at("pages").textContent = told(pages());
    at("page").max = pages();
    at("page").value = state.page;
    at("previous").disabled = state.page <= 1;
    at("next").disabled = state.page >= pages();
    COLUMNS.forEach(([, , name], index) => {
      const head = at("heads").children[index];
      const is = name !== null && name === order;
      if (name) head.setAttribute("aria-sort", is ? (backward ? "descending" : "ascending") : "none");
      head.firstChild.textContent = COLUMNS[index][1] + (is ? (backward ? " ▾" : " ▴") : "");
    });
    for (const id of ["q", "status", "domain", "rule", "wave"]) if (at(id).value !== state[id]) at(id).value = state[id];
    at("sort").value = order;
    for (const box of at("severity").querySelectorAll("input")) box.checked = state.severity.includes(box.value);
  };

  const asHash = () => {
    const words = new URLSearchParams();
    for (const name of NAMES) {
      const value = Array.isArray(state[name]) ? state[name].join(",") : String(state[name]);
      if (value !== String(INITIAL[name])) words.set(name, value);
    }
    return words.toString().replaceAll("%2C", ",");
  };
  const fromHash = () => {
    const hash = location.hash.slice(1);
    if (!hash.includes("=")) return false;
    const words = new URLSearchParams(hash);
    const known = (id, value) => [...at(id).options].some((option) => option.value === value);
    state = { ...INITIAL };
    state.q = words.get("q") ?? "";
    state.severity = (words.get("severity") ?? "").toUpperCase().split(",").filter((word) => data.severities.some(([name]) => name === word));
    for (const id of ["status", "domain", "rule", "wave"]) if (known(id, words.get(id))) state[id] = words.get(id);
    const sort = words.get("sort") ?? "";
    if (Object.hasOwn(ORDERS, sort.replace(/^-/, ""))) state.sort = sort;
    state.page = Number.parseInt(words.get("page"), 10) || 1;
    return true;
  };
  const change = (changed) => {
    state = { ...state, page: 1, ...changed };
    show();
    const hash = asHash();
    history.replaceState(null, "", hash ? "#" + hash : "#findings");
    // The filters keep their place on the screen, and the first match stands below them.
    if (at("app").getBoundingClientRect().top < 0) at("app").scrollIntoView({ behavior: "instant" });
  };

  const begin = (first) => {
    spell(first.rows);
    take(first);
    fillFilters();
    fillChoices();
    const linked = fromHash();
    at("app").hidden = false;
    show();
    // A finding that a link names is shown whole.
    if (linked && found.length === 1) at("rows").querySelector(".what").click();
    // The rows have pushed the later parts down since the browser went to the part that the address names.
    const named = linked ? at("findings") : location.hash && at(location.hash.slice(1));
    if (named) named.scrollIntoView({ behavior: "instant" });
  };

  let waiting = 0;
  at("q").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change({ q: at("q").value }), 120);
  });
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["status", "domain", "rule", "wave", "sort"]) at(id).addEventListener("change", () => change({ [id]: at(id).value }));
  at("severity").addEventListener("change", () =>
    change({ severity: [...at("severity").querySelectorAll("input:checked")].map((box) => box.value) }));
  at("reset").addEventListener("click", () => { change(INITIAL); at("q").focus(); });
  const turn = (page) => { change({ page }); at("h-findings").scrollIntoView(); };
  at("previous").addEventListener("click", () => turn(state.page - 1));
  at("next").addEventListener("click", () => turn(state.page + 1));
  at("page").addEventListener("change", () => turn(Number.parseInt(at("page").value, 10) || 1));
  addEventListener("hashchange", () => {
    if (!data || !fromHash()) return;
    show();
    at("findings").scrollIntoView();
  });
  const opened = [];
  addEventListener("beforeprint", () => {
    if (data) showRows(0, PRINTED);
    for (const lane of document.querySelectorAll(".lane:not([open])")) { lane.open = true; opened.push(lane); }
  });
  addEventListener("afterprint", () => {
    if (data) show();
    for (const lane of opened.splice(0)) lane.open = false;
  });
  // The newest waves stand at the right end of a chart that is too wide.
  for (const chart of document.querySelectorAll(".chart .scroll")) chart.scrollLeft = chart.scrollWidth;
