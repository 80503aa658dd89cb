"use strict";
(() => {
  // A heading sorts its column, missing values always last.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.name !== undefined) return cell.dataset.name.toLowerCase();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const order = (table, column, direction) => {
    const sign = direction === "ascending" ? 1 : -1;
    for (const body of table.tBodies) {
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

  // Rows whose name has the text, of the chosen group.
  const filter = document.getElementById("filter");
  const group = document.getElementById("group");
  const rows = [...document.querySelectorAll(".results tbody tr")];
  for (const name of new Set(rows.map((row) => row.dataset.group))) {
    const option = document.createElement("option");
    option.textContent = name;
    group.append(option);
  }
  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = row.dataset.plain.toLowerCase().includes(wanted);
      row.hidden = !fits || (group.value !== "" && row.dataset.group !== group.value);
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("filter-empty").textContent = shown ? "" : "No row is like that.";
  };
  filter.addEventListener("input", show);
  group.addEventListener("change", show);

  // A link to a method opens it.
  const open = () => {
    const found = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (found && found.tagName === "DETAILS") found.open = true;
  };
  window.addEventListener("hashchange", open);
  open();
})();
