"use strict";
// What all tables of a page can do: be sorted, be copied as LaTeX and CSV, be printed.
const tables = (() => {
  // A heading sorts its column within each group, missing values always last; trivial predictors
  // stay as they are.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.name !== undefined) return cell.dataset.name.toLowerCase();
    if (cell.tagName === "TH") return cell.textContent.trim().toLowerCase();
    const value = cell.dataset.value ?? cell.textContent.replaceAll(",", "");
    const number = Number.parseFloat(value);
    return Number.isNaN(number) ? null : number;
  };
  const order = (table, column, direction) => {
    const sign = direction === "ascending" ? 1 : -1;
    for (const body of table.querySelectorAll("tbody:not(.fixed)")) {
      const rows = [...body.rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
      });
      body.append(...rows.map(([, row]) => row));
    }
  };
  for (const button of document.querySelectorAll(".sort")) {
    const heading = button.closest("th");
    const table = button.closest("table");
    button.addEventListener("click", () => {
      const other = { ascending: "descending", descending: "ascending" };
      const direction = other[heading.getAttribute("aria-sort")] || button.dataset.first;
      for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", direction);
      order(table, heading.cellIndex, direction);
    });
  }

  // Texts to be copied come compressed, and are unpacked beforehand: a browser lets a page copy only
  // right after a click.
  const unpack = async () => {
    const packed = JSON.parse(document.getElementById("copies").textContent).split(",")[1];
    const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
  const copies = unpack();
  copies.catch(() => {});
  // Browsers offer the clipboard to safe pages only, which one from disk may not be.
  const put = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement("textarea");
      area.className = "unseen";
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  const shared = {
    // What a copy is called, where the page has variants; and who makes what changes with choices.
    variant: (name) => name,
    made: {},
    csv: (rows) => rows.map((row) => row.map((value) => {
      const text = value === null ? "" : String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    }).join(",") + "\n").join(""),
    // A pattern with the cells of a table: Q0Q is the caption, Q1Q the first cell that is open.
    filled: (pattern, table, texts) => {
      const latex = (text) => Object.hasOwn(texts.names, text) ? texts.names[text][0]
        : [...text].map((sign) => texts.signs[sign] ?? sign).join("");
      const named = Object.keys(texts.names).sort((a, b) => b.length - a.length);
      const caption = (text) => {
        const name = named.find((one) => one && text.includes(one));
        if (name === undefined) return latex(text);
        const place = text.indexOf(name);
        return caption(text.slice(0, place)) + latex(name) + caption(text.slice(place + name.length));
      };
      const first = table.id === "pairs" ? 0 : 1;
      const cells = [...table.tBodies[0].rows].flatMap((row) => [...row.cells].slice(first));
      const values = [caption(table.caption.textContent), ...cells.map((cell) => latex(cell.textContent))];
      return pattern.replace(/Q(\d+)Q/g, (_, place) => values[Number(place)]);
    },
  };
  const said = document.getElementById("copied");
  let hiding = 0;
  const copy = async (button) => {
    const { copy: name, form } = button.dataset;
    const kind = { latex: "LaTeX", csv: "CSV" }[form];
    let done = false;
    said.textContent = "";
    said.classList.remove("shown");
    try {
      const texts = await copies;
      const text = shared.made[name] ? shared.made[name](form, texts)
        : texts.tables[form === "latex" ? shared.variant(name) : name][form === "latex" ? 0 : 1];
      done = await put(text);
    } catch {
      done = false;
    }
    button.focus();
    said.textContent = done ? `${kind} copied.` : `This browser did not let ${kind} be copied.`;
    said.classList.add("shown");
    clearTimeout(hiding);
    hiding = setTimeout(() => said.classList.remove("shown"), 2500);
  };
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", () => copy(button));
  }

  // On paper nothing can be opened or scrolled: a table of many columns is printed in blocks.
  const MOST = 12;
  let closed = [];
  const blocks = (table) => {
    const width = Math.max(...[...table.rows].map((row) => row.cells.length)) - 1;
    if (width <= MOST) return;
    const size = Math.ceil(width / Math.ceil(width / MOST));
    for (let start = 1; start <= width; start += size) {
      const block = table.cloneNode(true);
      block.removeAttribute("id");
      block.classList.add("block");
      for (const row of block.rows) {
        [...row.cells].forEach((cell, place) => {
          if (place && (place < start || place >= start + size)) cell.remove();
        });
      }
      table.parentNode.append(block);
    }
    table.classList.add("in-blocks");
  };
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    for (const table of document.querySelectorAll("table")) blocks(table);
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
    for (const block of document.querySelectorAll(".block")) block.remove();
    for (const table of document.querySelectorAll(".in-blocks")) table.classList.remove("in-blocks");
  });
  return shared;
})();
