// Copyright (c) 2026, The linux.namespaces authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What hosts say is only ever set as text, never as markup.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const number = (count) => count.toLocaleString("en");
  const counted = (count, one) => `${number(count)} ${count === 1 ? one : `${one}s`}`;

  // ---- on every page

  for (const button of document.querySelectorAll("button[data-fold]")) {
    button.addEventListener("click", () => {
      for (const box of document.querySelectorAll("#namespaces details")) box.open = button.dataset.fold === "open";
    });
  }

  const reveal = () => {
    const target = location.hash.length > 1 && byId(location.hash.slice(1));
    if (!target) return;
    const own = target.matches("details") ? target : target.querySelector(":scope > details");
    if (own) own.open = true;
    for (let above = target.parentElement; above; above = above.parentElement) {
      if (above.matches("details")) above.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });

  if (!byId("data")) return;

  // ---- on the index

  const { states, buckets, hosts, worst, rules, files, findingsPerPage, rows } = JSON.parse(byId("data").textContent);
  const [NAME, PAGE, STATE, COUNTS] = [0, 1, 2, 3];
  const open = buckets.filter((bucket) => bucket !== "allowed");

  const matchingHosts = (text) => {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return null;
    return new Set([...hosts.keys()].filter((place) => hosts[place][NAME].toLowerCase().includes(wanted)));
  };

  /** A list in pages. show(page) fills it and returns [how many there are, in words; how many pages]. */
  const pages = (name, show) => {
    const [form, status, list, pager] = ["filter", "count", "list", "pager"].map((part) => byId(`${part}-${name}`));
    const where = pager.querySelector("span");
    const buttons = [...pager.querySelectorAll("button")];
    let page = 0;
    let run = 0;

    const update = async (to) => {
      page = to;
      const mine = ++run;
      const isStale = () => mine !== run;
      list.setAttribute("aria-busy", "true");
      try {
        const shown = await show(new FormData(form), page, (words) => { if (!isStale()) status.textContent = words; }, isStale);
        if (isStale()) return;
        list.replaceChildren(...shown.rows);
        status.textContent = shown.words;
        pager.hidden = shown.last <= 1;
        where.textContent = `Page ${number(page + 1)} of ${number(shown.last)}`;
        buttons[0].disabled = page === 0;
        buttons[1].disabled = page + 1 >= shown.last;
      } catch (error) {
        if (!isStale()) status.textContent = error.message;
      }
      list.removeAttribute("aria-busy");
    };

    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => update(0));
    form.addEventListener("reset", () => setTimeout(() => update(0)));
    for (const button of buttons) {
      button.addEventListener("click", async () => {
        await update(page + Number(button.value));
        list.closest("section").scrollIntoView();
      });
    }
    return { form, update };
  };

  const cloned = (name) => byId(`row-${name}`).content.firstElementChild.cloneNode(true);

  // Hosts

  const hostRow = (host) => {
    const row = cloned("host");
    const link = row.querySelector("a");
    link.textContent = host[NAME];
    link.href = `pages/${host[PAGE]}`;
    const state = row.querySelector(".state");
    state.classList.add(states[host[STATE]][0]);
    state.textContent = states[host[STATE]][1];
    row.querySelectorAll(".count").forEach((cell, place) => {
      const count = host[COUNTS + place];
      cell.textContent = number(count);
      cell.classList.toggle("zero", !count);
    });
    return row;
  };

  const hostPages = pages("hosts", async (form, page) => {
    const some = matchingHosts(form.get("host"));
    const state = form.get("state");
    const order = form.get("order") === "worst" ? worst : [...hosts.keys()];
    const found = order.filter((place) => (!some || some.has(place)) && (!state || hosts[place][STATE] === Number(state)));
    return {
      rows: found.slice(page * rows, (page + 1) * rows).map((place) => hostRow(hosts[place])),
      words: counted(found.length, "host"),
      last: Math.ceil(found.length / rows),
    };
  });

  // Findings, of which the page has only the first

  const loading = new Map();
  const waiting = new Map();
  window.namespaceReport = (name, records) => waiting.get(name)?.(records);

  const load = (name) => {
    if (!loading.has(name)) {
      loading.set(name, new Promise((resolve, reject) => {
        waiting.set(name, resolve);
        const script = document.createElement("script");
        script.src = `pages/${name}.js`;
        script.onload = () => script.remove();
        script.onerror = () => {
          loading.delete(name);
          reject(new Error(`pages/${name}.js is missing: this page and the folder pages belong together.`));
        };
        document.head.append(script);
      }));
    }
    return loading.get(name);
  };

  const findingRow = ([bucket, rule, [host, place, where, evidence, more = {}]]) => {
    const [id, title, remediation, source] = rules[rule];
    const row = cloned("finding");
    row.className = more.severity ? `${bucket} was-${more.severity}` : bucket;
    const pill = row.querySelector(".pill");
    pill.classList.add(bucket);
    pill.textContent = bucket;
    row.querySelector("b").textContent = more.title ?? title;
    row.querySelector(".evidence").textContent = evidence;
    row.querySelector(".ns").textContent = where;
    const link = row.querySelector("a");
    link.textContent = hosts[host][NAME];
    const page = Math.ceil(place / findingsPerPage);
    link.href = `pages/${page === 1 ? hosts[host][PAGE] : hosts[host][PAGE].replace(/\.html$/, `%2B${page}.html`)}#f${place}`;
    const details = [["Allowed", more.allowed], ["What to do", more.remediation ?? remediation], ["Rule", id], ["Source", source],
      ["Severity", more.severity]];
    for (const [word, value] of details) {
      if (value) row.querySelector("dl").append(...[["dt", word], ["dd", value]].map(([tag, text]) => {
        const element = document.createElement(tag);
        element.textContent = text;
        return element;
      }));
    }
    return row;
  };

  /** The files that may have what is asked for, with the place of their first finding among all of these. */
  const filesFor = (chosen, rule, some) => {
    const sorted = some && [...some];
    let start = 0;
    return files.filter(([bucket, of]) => chosen.has(bucket) && (!rule || of === Number(rule))).flatMap(
      ([bucket, of, parts]) => parts.map(([count, first, last], part) => {
        const file = { bucket, rule: of, name: `${bucket}-${of}-${part}`, start, count };
        start += count;
        return !sorted || sorted.some((host) => first <= host && host <= last) ? file : null;
      }),
    ).filter(Boolean);
  };

  const AHEAD = 8;
  const findingPages = pages("findings", async (form, page, say, isStale) => {
    const severities = form.getAll("severity");
    const chosen = new Set(severities.length ? severities : open);
    const rule = form.get("rule");
    const some = matchingHosts(form.get("host"));
    const wanted = filesFor(chosen, rule, some);
    const [from, to] = [page * rows, (page + 1) * rows];
    const shown = [];
    let total = 0;
    if (!some) {
      total = wanted.reduce((sum, file) => sum + file.count, 0);
      for (const file of wanted) {
        if (file.start >= to || file.start + file.count <= from) continue;
        const records = await load(file.name);
        shown.push(...records.slice(Math.max(0, from - file.start), to - file.start).map((record) => [file.bucket, file.rule, record]));
      }
    } else {
      for (const [place, file] of wanted.entries()) {
        for (const next of wanted.slice(place, place + AHEAD)) load(next.name).catch(() => {});
        const records = await load(file.name);
        if (isStale()) return null;
        if (place % AHEAD === 0) say(`Searching: ${number(place)} of ${counted(wanted.length, "file")} …`);
        for (const record of records) {
          if (!some.has(record[0])) continue;
          if (total >= from && total < to) shown.push([file.bucket, file.rule, record]);
          total += 1;
        }
      }
    }
    return { rows: shown.map(findingRow), words: counted(total, "finding"), last: Math.ceil(total / rows) };
  });

  const choose = (form, name, value) => {
    form.reset();
    for (const field of form.elements) {
      if (field.name !== name) continue;
      if (field.type === "checkbox") field.checked = field.value === value;
      else field.value = value;
    }
  };
  for (const link of document.querySelectorAll("main a")) {
    for (const [name, value] of Object.entries(link.dataset)) {
      link.addEventListener("click", () => choose((name === "state" ? hostPages : findingPages).form, name, value));
    }
  }
  hostPages.update(0);
  findingPages.update(0);
})();
