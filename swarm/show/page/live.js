
  // Served by `swarm report --serve`: the server names what changed, and the page asks for it and puts it in its place.
  const PARTS = ["header", "now", "coverage", "burn-down", "timeline", "gates", "origin"];
  const AGAIN = 2000;
  const have = { shell: "", findings: "" };
  let wanted = null;
  let isBusy = false;
  let isOver = false;

  const tell = (tone, words) => {
    if (isOver) return;
    const chip = at("connection");
    if (chip.textContent === words) return;
    chip.className = "chip " + tone;
    chip.textContent = words;
  };

  const ask = (path, kind) => new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = kind;
    request.onload = () => {
      if (request.status === 200 && request.response) done([request.response, JSON.parse(request.getResponseHeader("ETag"))]);
      else failed(request.status);
    };
    request.onerror = failed;
    request.send();
  });

  // Only what differs is replaced, so that the focus, folded lanes and the places of scrolled charts stay.
  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeName !== fresh.nodeName) {
      old.replaceWith(document.importNode(fresh, true));
      return;
    }
    if (old.nodeType === Node.TEXT_NODE) {
      old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    const [has, gets] = [[...old.childNodes], [...fresh.childNodes]];
    gets.forEach((node, index) => (has[index] ? morph(has[index], node) : old.append(document.importNode(node, true))));
    for (const node of has.slice(gets.length)) node.remove();
  };
  const redraw = (page) => {
    document.title = page.title;
    for (const id of PARTS) morph(at(id), page.getElementById(id));
    tick();
  };

  // A step names rows by their places, as pairs of the first place and a count: `gone` in the rows so far, the others
  // in the rows that follow.
  const places = function* (ranges) {
    for (let index = 0; index < ranges.length; index += 2) {
      for (let offset = 0; offset < ranges[index + 1]; offset += 1) yield ranges[index] + offset;
    }
  };
  const stepped = (rows, step) => {
    spell(step.rows);
    const gone = new Set(places(step.gone));
    const kept = rows.filter((_, place) => !gone.has(place));
    const next = new Array(kept.length + step.rows.length);
    let index = 0;
    for (const place of places(step.at)) next[place] = step.rows[index++];
    index = 0;
    for (let place = 0; place < next.length; place += 1) next[place] ??= kept[index++];
    for (const [added, ranges] of step.moved) {
      for (const place of places(ranges)) added.forEach((number, column) => { next[place][SEVERITY + column] += number; });
    }
    return next;
  };

  const rowsShown = () => [...at("rows").querySelectorAll("tr[data-id]")];
  const lineOf = (id) => rowsShown().find((line) => line.dataset.id === id);
  const renew = (fresh) => {
    const known = new Set(data.rows.map((row) => row[ID]));
    // The row at the top of the view stays there, whatever comes in above it.
    const first = rowsShown().find((line) => line.getBoundingClientRect().bottom > 0);
    const top = first?.getBoundingClientRect().top;
    const focused = document.activeElement?.closest("#rows tr[data-id]")?.dataset.id;
    take(fresh);
    fillChoices();
    // Letters that were typed a moment ago are not in the filters yet.
    state.q = at("q").value;
    show();
    for (const line of rowsShown()) if (!known.has(line.dataset.id)) line.classList.add("came");
    const moved = first && lineOf(first.dataset.id);
    if (moved && top < innerHeight) scrollBy({ top: moved.getBoundingClientRect().top - top, behavior: "instant" });
    if (focused) lineOf(focused)?.querySelector(".what").focus({ preventScroll: true });
  };
  const takeFindings = async () => {
    const [fresh, digest] = await ask("findings/" + have.findings, "json");
    // Rows that a step left half done are asked for as a whole the next time.
    have.findings = "";
    if (fresh.steps) {
      const rows = fresh.steps.reduce(stepped, data.rows);
      renew({ ...fresh.steps.at(-1), rows });
    } else if (data) {
      spell(fresh.rows);
      renew(fresh);
    } else begin(fresh);
    have.findings = digest;
  };

  const update = async () => {
    if (isBusy || isOver) return;
    isBusy = true;
    try {
      let seen = null;
      while (seen !== wanted) {
        seen = wanted;
        if (seen.shell !== have.shell) {
          const [page, digest] = await ask("./", "document");
          redraw(page);
          have.shell = digest;
        }
        if (seen.findings !== have.findings) await takeFindings();
      }
      if (wanted.problem) tell("bad", "Not read: " + wanted.problem);
      else tell("good", "Live");
    } catch {
      tell("warn", "No answer; asking again");
      setTimeout(update, AGAIN);
    } finally {
      isBusy = false;
    }
  };

  const tick = () => {
    for (const cell of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.round((Date.now() - Date.parse(cell.dataset.since)) / 1000));
      const words = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (cell.textContent !== words) cell.textContent = words;
    }
  };
  let source = null;
  let asOf = "";
  const leave = () => {
    if (source?.readyState === EventSource.OPEN) asOf ||= new Date().toLocaleTimeString();
    source?.close();
  };
  const end = (words) => {
    leave();
    document.removeEventListener("visibilitychange", connect);
    tell("bad", `${words} This was the state at ${asOf}.`);
    isOver = true;
  };
  const connect = () => {
    leave();
    // A page out of view leaves its connection to others: a browser opens six to an address.
    if (document.hidden) return;
    source = new EventSource("changes");
    source.addEventListener("change", (event) => {
      wanted = JSON.parse(event.data);
      update();
    });
    source.addEventListener("over", () => end("Ended: `swarm report --serve` shows the page at a new address."));
    source.onopen = () => {
      asOf = "";
      if (wanted) update();
    };
    source.onerror = () => {
      asOf ||= new Date().toLocaleTimeString();
      tell("warn", "Not connected; this was the state at " + asOf);
      // A browser gives up for good on an answer that is no stream of events.
      if (source.readyState === EventSource.CLOSED) again();
    };
  };
  const again = () => ask("./", "document").then(
    () => setTimeout(connect, AGAIN),
    (status) => {
      // The secret of an address is known to the server that made it: this is another server, and it cannot become ours.
      if (status === 404) end("Another server has this port now: open the address that `swarm report --serve` printed last.");
      else setTimeout(connect, AGAIN);
    },
  );
  document.addEventListener("visibilitychange", connect);
  setInterval(tick, 1000);
  connect();
